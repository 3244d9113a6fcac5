"""The data files that a config names, and what is in them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from fedprotocol.errors import FedError

from fednode.config import DataConfig, NodeConfig
from fednode.data import Columns, DataError, DataReport, check_data
from fednode.data_source import DataSource, HfSplit, Portion

if TYPE_CHECKING:
    from datasets import Dataset
    from fedprotocol.spec import Spec

    from fednode.session import Session


def train_rows(config: NodeConfig) -> Portion:
    """The rows that this site trains on. Where the config names a data set of the hub without a commit, the first one
    that was found is kept. Raises DataError."""
    data = config.data
    return Portion(source=_pinned(config, data.train), share=data.split, side="train" if data.split else None)


def scored_rows(config: NodeConfig) -> Portion | None:
    """The rows that globals are scored on: those of [data] test, or those that are held out of training. Raises
    DataError."""
    data = config.data
    if data.test is None and data.split:
        return Portion(source=_pinned(config, data.train), share=data.split, side="test")
    return None if data.test is None else Portion(source=_pinned(config, data.test))


def solo_rows(config: NodeConfig) -> Portion | None:
    """The rows that the site's own model is scored on: those of [solo] test, or those that globals are scored on.

    Raises DataError.
    """
    test = config.solo.test
    return scored_rows(config) if test is None else Portion(source=_pinned(config, test))


def data_files(config: NodeConfig) -> list[Portion]:
    """Each file once, with the rows of both sides. Raises DataError."""
    named = (train_rows(config), scored_rows(config), solo_rows(config))
    return list(dict.fromkeys(one.model_copy(update={"side": None}) for one in named if one is not None))


def kept_commits(config: NodeConfig) -> list[str]:
    """For a person: which commits are used of data sets that the config names without one. Raises DataError."""
    named = dict.fromkeys((config.data.train, config.data.test, config.solo.test))
    return [
        f"{one} names no commit: {_pinned(config, one)} was its newest when it was first read, and is kept "
        f"({config.commits}); name another with @ in its place"
        for one in named
        if isinstance(one, HfSplit) and not one.is_pinned
    ]


def _pinned(config: NodeConfig, source: DataSource) -> DataSource:
    from fednode.data.hf_folder import pinned

    return pinned(source, config.commits) if isinstance(source, HfSplit) else source


class NamesData(Protocol):
    """A config, or a part of one, that has the table `[data]`."""

    @property
    def data(self) -> DataConfig: ...


def columns_of(config: NamesData, spec: Spec | None) -> Columns:
    """How the files are read, for a federation with this spec; None: it is not known."""
    data, turns = config.data, None if spec is None else spec.prompt.turns
    return Columns(data.prompt, data.completion, data.domain, data.labels, data.encoding, turns)


def site_rows(config: NodeConfig, rows: Portion, spec: Spec | None) -> Dataset:
    """Rows that the config names, such as `train_rows`: of a large file, from a copy in the node's home, made when it
    is first read. Copies of files that the config no longer names are deleted. Raises DataError."""
    from fednode.data import load_data
    from fednode.data.row_copies import delete_all_but

    delete_all_but(config.rows, data_files(config))
    return load_data(rows, columns_of(config, spec), config.rows)


@dataclass(frozen=True)
class Usable:
    """A file of which every row can be used, and how many it has."""

    of: Portion
    rows: int


def usable_rows(config: NodeConfig, spec: Spec | None) -> list[Usable]:
    """What each file holds. One that was found right for `spec` is not judged again as long as it stays as it is.
    Copies of what a file no longer holds are deleted.

    Raises DataError as `usable_data` does.
    """
    from fedprotocol.spec import dump_spec

    from fednode.data.content import Content
    from fednode.data.row_copies import RowCopy, delete_all_but
    from fednode.data.verdicts import Verdicts

    verdicts = Verdicts(config.rows)
    judged_by = hashlib.sha256(b"" if spec is None else dump_spec(spec)).hexdigest()[:32]
    contents = [Content.of_rows(one, columns_of(config, spec)) for one in data_files(config)]
    delete_all_but(config.rows, data_files(config))
    for content in contents:
        RowCopy(config.rows, content).delete_older()
    known = {content.of: verdicts.rows(content, judged_by) for content in contents}
    new = [content for content in contents if known[content.of] is None]
    for content, report in zip(new, usable_data(config, spec, [one.of for one in new]) if new else [], strict=True):
        content.require_same()
        known[content.of] = report.usable
        if report.encoded is not None:  # else there is more to judge once spec and tokenizer are here
            verdicts.note(content, judged_by, report.usable)
    return [Usable(one, rows) for one, rows in known.items() if rows is not None]


def usable_data(config: NodeConfig, spec: Spec | None, files: Sequence[Portion] | None = None) -> list[DataReport]:
    """A report on each of `files` (None: all that the config names), for `spec` and, if the base model is here, its
    tokenizer.

    Raises DataError if something in any of them must be corrected, naming it.
    """
    from fedprotocol.program.slow_work import told_if_slow

    from fednode.site_model import load_encoder

    encoder = None
    with suppress(FedError):  # what is wrong with the base model is reported where it is loaded
        encoder = None if spec is None else load_encoder(config.model, spec)
    reports = []
    for one in data_files(config) if files is None else files:
        with told_if_slow(f"checking {one.name}") as work:
            reports.append(check_data(one, encoder, spec, columns_of(config, spec), work.at))
    bad = [line for report in reports if not report.ok for line in (f"{report.of}:", *report.errors())]
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
