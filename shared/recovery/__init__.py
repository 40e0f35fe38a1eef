"""Recovers work that was lost, late, failed or unreadable: sweep, poison messages, replay and rebuild."""
