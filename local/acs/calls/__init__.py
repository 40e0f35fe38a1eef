"""Calls and their recordings: how they start, change and end, and the metadata of their chunks."""
