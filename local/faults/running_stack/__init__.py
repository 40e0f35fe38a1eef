"""The running stack, as the fault tests use it and read its data."""
