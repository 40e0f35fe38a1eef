"""A chunk's files: their bytes, checksums and types, and the locations that they come from."""
