"""Fuzzing at the speed of revm: one state machine in Python, run in this process, its counterexamples replayed on anvil."""
