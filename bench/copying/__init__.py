"""Row 1: one file from ACS's media store into the archive, by us, by our peers, and as fast as can be."""
