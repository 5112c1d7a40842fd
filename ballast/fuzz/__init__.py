"""Fuzzing at the speed of revm: a state machine in Python, run in this process, its findings replayed on anvil."""
