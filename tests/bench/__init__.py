"""Measured, never asserted on time: `python -m tests.bench NAME` prints a figure with its peer or limit."""
