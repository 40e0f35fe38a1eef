"""Callvault: archives the call recordings of Azure Communication Services (ACS)."""
