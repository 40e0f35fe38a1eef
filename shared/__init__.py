"""Callvault: archives the call recordings of Azure Communication Services (ACS)."""

__version__ = "0.1.0"
