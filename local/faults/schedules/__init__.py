"""Generates schedules from seeds. This package does no I/O."""
