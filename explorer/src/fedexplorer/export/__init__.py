"""The same pages as files, which open from a disk without a server."""
