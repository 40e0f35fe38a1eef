"""The demo behind `make run`: records four calls, shows how they are archived, and verifies the archive."""
