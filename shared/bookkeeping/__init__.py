"""Keeps catalogue, worklist and lists consistent: decides which list an entry is on, and when it is removed."""
