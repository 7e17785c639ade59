"""Simulated devices: their files, processes, power and serial lines."""
