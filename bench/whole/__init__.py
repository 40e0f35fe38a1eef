"""Rows that measure the whole stack: the Functions host on the real worker library, Azurite, and ACS over TLS."""
