"""How a piece of work in the background stands, as a page shows it."""

from __future__ import annotations

from typing import Any

from fedprotocol.errors import FedError

from fedexplorer.content.jobs import Busy, Job, Standing
from fedexplorer.content.told import told
from fedexplorer.views.view import Model

PATIENCE = 0.25
"""Seconds that a page waits for what is not there yet."""

NO_STORE = "This explorer was started without a store (--store), so it cannot fetch updates and globals"


class Work(Model):
    """Work in the background.

    Args:
        standing: waiting, running, done or failed.
        doing: what it does at the moment.
        done, of: how far it is with that; `of` is 0 if that is not known.
        ahead: how many pieces of work come before it.
        error: why it failed; empty otherwise.
        again_in: seconds after which it is tried again when somebody asks.
    """

    standing: Standing
    doing: str
    done: int
    of: int
    ahead: int
    error: str
    again_in: float

    @property
    def goes_on(self) -> bool:
        """Whether the page should look again soon."""
        return self.standing in (Standing.WAITING, Standing.RUNNING)


def work(job: Job[Any]) -> Work:
    """The same of a job."""
    return Work(
        standing=job.standing,
        doing=job.doing,
        done=job.done,
        of=job.of,
        ahead=job.ahead,
        error="" if job.error is None else told(job.error),
        again_in=round(job.again_in, 1),
    )


def refused(error: FedError) -> Work:
    """Work that was not begun. What is refused because too much is waiting will be asked for again."""
    standing = Standing.WAITING if isinstance(error, Busy) else Standing.FAILED
    return Work(standing=standing, doing="", done=0, of=0, ahead=0, error=told(error), again_in=0.0)
