"""Decides whether a run kept Callvault's guarantees."""
