"""Row 1: copies of one file from ACS's media store to the archive, by Callvault, its peers, and the fastest client."""
