"""Blob storage: the archive, the quarantine, dead letters, and download links."""
