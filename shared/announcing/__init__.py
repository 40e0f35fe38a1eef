"""Publishes announcements about chunks and recordings to an Event Grid topic."""
