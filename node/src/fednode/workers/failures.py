"""The errors of processes that train together, as those that the same work has in one process."""

from __future__ import annotations

from typing import NoReturn

from fednode.data import DataError
from fednode.data.plain_text import EncodingError
from fednode.training.types import Diverged, NearlyNothing, NotFinite, TrainingError, ZeroDelta
from fednode.workers.workers import WorkersFailed

KINDS = {
    kind.__name__: kind
    for kind in (TrainingError, NotFinite, Diverged, ZeroDelta, NearlyNothing, DataError, EncodingError)
}
"""What has its own class here, because the same comes of it as where one process trains."""


def raise_as_here(error: WorkersFailed) -> NoReturn:
    """Raises the error of its own class with the same message, or `error` itself if the class is none of `KINDS`."""
    kind = KINDS.get(error.kind)
    if kind is None or error.loading:
        raise error
    raise kind(str(error)) from error
