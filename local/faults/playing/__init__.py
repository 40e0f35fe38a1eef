"""Plays a schedule on a running stack."""
