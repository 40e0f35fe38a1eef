"""The demo behind `make run`: three recordings from the call to the archive, watched and then verified."""
