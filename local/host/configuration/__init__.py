"""The host's configuration: host.json, app settings, access keys, command line, log levels."""
