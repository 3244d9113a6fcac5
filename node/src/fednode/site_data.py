"""The data files that a config names, and what is in them."""

from __future__ import annotations

from pathlib import Path

from fednode.config import NodeConfig
from fednode.data import DataError, DataReport, check_data


def data_files(config: NodeConfig) -> list[Path]:
    """Each file once."""
    named = (config.data.train, config.data.test, config.solo.test)
    return list(dict.fromkeys(path for path in named if path is not None))


def usable_data(config: NodeConfig) -> list[DataReport]:
    """A report on each. Raises DataError if a row of any cannot be used, naming it, or if there is none."""
    reports = [check_data(path) for path in data_files(config)]
    bad = [line for report in reports if not report.ok for line in report.lines()]
    if bad:
        raise DataError("\n".join([*bad, "correct the file; `fednode data check` says when it is right"]))
    return reports
