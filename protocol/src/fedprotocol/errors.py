"""The base of every error that a person may see."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

REFUSALS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EMFILE, errno.ENFILE}


FOR_A_PERSON = 78  # EX_CONFIG of sysexits.h, with which a service says that it must not be started again


class FedError(Exception):
    """Something is wrong that the person at the terminal can act on.

    The message says what is wrong and what to do about it. `exit_code` is what a command exits with. `needs_person`:
    the next start ends in the same way until somebody changes something here; all else may pass by itself.
    """

    exit_code: int = 1
    needs_person: ClassVar[bool] = False


class SystemRefusal(FedError):
    """The machine does not let the program go on, for example because the disk is full or a folder may not be
    written."""


@contextmanager
def refusals_told() -> Iterator[None]:
    """Turns errors of the system that no program can repair into SystemRefusal. All others pass unchanged."""
    try:
        yield
    except OSError as error:
        if error.errno not in REFUSALS:
            raise
        where = f": {error.filename}" if error.filename else ""
        raise SystemRefusal(f"{error.strerror}{where}") from error


@contextmanager
def as_a_service() -> Iterator[None]:
    """What needs a person ends the program with FOR_A_PERSON, so that systemd does not start it again and again."""
    try:
        yield
    except FedError as error:
        if error.needs_person:
            error.exit_code = FOR_A_PERSON
        raise
