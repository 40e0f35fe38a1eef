"""ACS: recordings, media, signing keys, and the meaning of its error codes."""
