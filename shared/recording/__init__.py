"""Asks ACS to start, stop, pause and resume recordings, and follows what happens to them there."""
