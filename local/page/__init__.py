"""The page as people see it: a browser to look with, and the pictures of it that README shows."""

from local.page.browser import NoBrowserError, chromium

__all__ = ["NoBrowserError", "chromium"]
