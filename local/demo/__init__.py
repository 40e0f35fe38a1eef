"""The demo behind `make run`: four recordings from the call to the archive, watched and then verified."""
