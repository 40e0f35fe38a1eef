"""Starts, stops, pauses and resumes recordings in ACS, and follows their state there."""
