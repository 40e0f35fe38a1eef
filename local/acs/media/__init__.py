"""Finished documents and the bytes of their media."""
