"""Measurements of Callvault, each beside its peers and its limit in the same run: `make bench`.

Nothing here is a figure by itself. A machine, its load and its emulator change from run to run; what holds is the ratio
of two contestants that took turns on them.
"""
