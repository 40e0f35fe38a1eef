"""Clients that public generators make from the API description."""
