"""Ballast: strategy vaults that keep themselves upright, and the tools that deploy, keep and test them."""
