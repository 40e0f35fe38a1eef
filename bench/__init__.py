"""Measures Callvault and compares it with its peers and its limits in the same run: `make bench`.

Absolute figures depend on the machine, its load and its emulator, which change between runs. Compare only the ratios of
contestants that took turns in one run.
"""
