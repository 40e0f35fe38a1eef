"""The host's HTTP server: its own pages, its admin endpoints, webhooks, and HTTP functions."""
