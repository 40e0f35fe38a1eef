"""Lists and searches, without storage."""
