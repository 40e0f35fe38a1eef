"""Copies bytes from the source to the archive, within a memory budget, and verifies them."""
