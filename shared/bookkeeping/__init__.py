"""Keeps the catalogue, the worklist and the lists consistent: decides which list an entry is on, and when it is removed."""
