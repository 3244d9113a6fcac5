"""The data files that a config names, and what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fedprotocol.errors import FedError

from fednode.config import NodeConfig
from fednode.data import DataError, DataReport, check_data

if TYPE_CHECKING:
    from fednode.session import Session


def data_files(config: NodeConfig) -> list[Path]:
    """Each file once."""
    named = (config.data.train, config.data.test, config.solo.test)
    return list(dict.fromkeys(path for path in named if path is not None))


def usable_data(config: NodeConfig, classes: Sequence[str] | None = None) -> list[DataReport]:
    """A report on each, for a spec with these `classes`.

    Raises DataError if a row of any cannot be used, naming it, or if there is none.
    """
    reports = [check_data(path, classes=classes) for path in data_files(config)]
    bad = [line for report in reports if not report.ok for line in report.lines()]
    if bad:
        raise DataError("\n".join([*bad, "correct the file; `fednode data check` says when it is right"]))
    return reports


def classes_at_hand(session: Session) -> Sequence[str] | None:
    """The spec's classes; None if it has none or cannot be read, because data can be checked without them."""
    with suppress(FedError):
        return session.spec.evaluation.classes
    return None
