"""Measures the figures the project promises, each against its baseline in the same run (`make bench`)."""
