"""A browser for the operators' page, and the screenshots of it for README."""

from local.browser import NoBrowserError, chromium

__all__ = ["NoBrowserError", "chromium"]
