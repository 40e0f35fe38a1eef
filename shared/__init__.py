"""Callvault: archives the call recordings of Azure Communication Services (ACS)."""

__version__ = "0.2.0"
