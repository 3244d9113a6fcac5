"""The data files that a config names, and what is in them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fedprotocol.errors import FedError

from fednode.config import NodeConfig
from fednode.data import Columns, DataError, DataReport, check_data

if TYPE_CHECKING:
    from fedprotocol.spec import Spec

    from fednode.session import Session


def data_files(config: NodeConfig) -> list[Path]:
    """Each file once."""
    named = (config.data.train, config.data.test, config.solo.test)
    return list(dict.fromkeys(path for path in named if path is not None))


def columns_of(config: NodeConfig) -> Columns:
    """What the files call their columns."""
    data = config.data
    return Columns(data.prompt, data.completion, data.domain, data.labels)


def usable_data(config: NodeConfig, spec: Spec | None) -> list[DataReport]:
    """A report on each file, for `spec` and, if the base model is here, its tokenizer.

    Raises DataError if something in any of them must be corrected, naming it.
    """
    from fedprotocol.program.slow_work import told_if_slow

    from fednode.site_model import load_encoder

    encoder = None
    with suppress(FedError):  # what is wrong with the base model is reported where it is loaded
        encoder = None if spec is None else load_encoder(config.model, spec)
    reports = []
    for path in data_files(config):
        with told_if_slow(f"checking {path.name}"):
            reports.append(check_data(path, encoder, spec, columns_of(config)))
    bad = [line for report in reports if not report.ok for line in (f"{report.path}:", *report.errors())]
    if bad:
        raise DataError("\n".join([*bad, "correct the file; `fednode data check` says when it is right"]))
    return reports


def spec_if_known(session: Session) -> Spec | None:
    """The spec from chain and store, else the copy of it that was kept last; None if there is neither."""
    from fedprotocol.spec import load_spec

    with suppress(FedError):
        return session.spec
    with suppress(FedError, OSError):
        return load_spec(session.config.known_spec.read_bytes())
    return None
