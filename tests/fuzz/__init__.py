"""Fuzzing: every reader of what comes from outside, on inputs that nobody meant."""
