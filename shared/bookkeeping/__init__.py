"""Keeps the catalogue, the worklist and the lists in step: which list an entry belongs to, and when it is removed."""
