"""The TLS endpoint of all ACS hosts: signatures, the REST API and the media store."""
