"""The border to other people's libraries, as far as models pass it."""

from fedprotocol.foreign_errors import in_a_line, told_as

AGAIN = "fetch the model again, or give another one"
"""What to do about files that a library does not understand."""

__all__ = ["AGAIN", "in_a_line", "told_as"]
