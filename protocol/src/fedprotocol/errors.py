"""The base of every error that a person may see."""

from typing import ClassVar


class FedError(Exception):
    """Something is wrong that the person at the terminal can act on.

    The message says what is wrong and what to do about it. `exit_code` is what a command exits with.
    """

    exit_code: ClassVar[int] = 1
