"""Messages that other services send or receive: events, callbacks and announcements."""
