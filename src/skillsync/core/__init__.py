"""Decisions over values: no I/O, no clock, no logging."""
