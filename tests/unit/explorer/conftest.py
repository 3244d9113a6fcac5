"""One Chromium for a module's tests."""

from support.browser import chromium, tab

__all__ = ["chromium", "tab"]
