"""Recovers what was lost, late, failed or unreadable: sweep, poison messages, replay, rebuild."""
