"""The rows that measure the whole stack: the Functions host with the real worker library, Azurite, and ACS over TLS."""
