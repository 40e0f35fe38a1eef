"""Runs several schedules on one stack and reports the results."""
