"""One Chromium for a module's tests."""

from support.browser import chromium

__all__ = ["chromium"]
