"""The node's folder, its data, the disk."""

from __future__ import annotations

import shutil
from pathlib import Path

from fedaggregator.doctor import shared
from fedprotocol.files.filesystem import is_read_only
from fedprotocol.files.private import exposure, open_to_others
from fedprotocol.journal import Journal, JournalForeign, JournalLocked
from fedprotocol.quantities import size

from fednode.data import DataError
from fednode.doctor.check import NotFit, Patient, quoted
from fednode.site_data import data_files, spec_if_known, usable_data

MOST_NAMED = 3
SPARE_BYTES = 1 << 30  # for the journal, logs and temporary files


def home(patient: Patient) -> str:
    """One process a journal, and one federation and account."""
    session = patient.session
    path = session.config.journal
    _try_to_write(patient)
    if not path.exists():
        return f"{session.config.home} can be written; it has no journal yet"
    try:
        with Journal(path) as journal:
            if journal.recall("journal.identity") is not None:
                journal.bind(session.config.chain.chain_id, session.coordinator.address, session.address)
    except JournalLocked as error:
        running = patient.running()
        if shared.is_itself(error.pid, running.pid if running is not None else None, "fednode"):
            return f"the node is running (pid {error.pid})"
        raise NotFit(str(error), f"kill {error.pid}" if error.pid else patient.edit("home: a new folder")) from error
    except JournalForeign as error:
        raise NotFit(str(error), patient.edit("home: a new folder")) from error
    return f"the journal in {session.config.home} is free"


def _try_to_write(patient: Patient) -> None:
    """Write in every folder in which the node will write, and open the files that it will change."""
    config = patient.session.config
    folders = (config.home, config.cache, config.metrics, config.globals, config.updates, config.logs)
    shared.try_home(folders, (config.logs / "fednode.log", config.events, config.journal), patient.say)


def private(patient: Patient) -> str:
    """RPC URLs in the config may hold keys; whoever reads an update before its reveal can commit to it as their own."""
    config = patient.session.config
    folders = [folder for folder in (config.updates, config.solos) if folder.exists()]
    files = [path for folder in folders for path in folder.iterdir()]
    if exposed := open_to_others([patient.file, config.journal, *folders, *files]):
        shown = ", ".join(map(str, exposed[:MOST_NAMED])) + (" and more" if len(exposed) > MOST_NAMED else "")
        top = [path for path in exposed if path.parent not in exposed]
        if is_read_only(patient.file) and (config_file := exposure(patient.file)):
            raise NotFit(config_file.text, config_file.command)
        raise NotFit(f"others may read {shown}", f"chmod -R go= {' '.join(map(quoted, top))}")
    return "nobody else may read the config and what is not published yet"


def data(patient: Patient) -> str:
    config = patient.session.config
    for path in data_files(config):
        if not path.is_file():
            raise NotFit(f"there is no data file {path}", patient.edit("[data] train, or test"))
    try:
        reports = usable_data(config, spec_if_known(patient.session))
    except DataError as error:
        raise NotFit(str(error), patient.fednode("data", "check")) from error
    return ", ".join(f"{report.path.name}: {report.usable} rows" for report in reports)


def disk(patient: Patient) -> str:
    session = patient.session
    layout, terms = session.spec.layout, session.coordinator.config()
    round_bytes = layout.global_shape.leaf_bytes * layout.leaf_count
    round_bytes += terms.max_clients * layout.delta_shape.leaf_bytes * layout.leaf_count
    rounds = min(terms.total_rounds, session.config.node.keep_rounds + 2)  # two may be unsettled
    needed = rounds * round_bytes
    folder = _existing(session.config.home)
    free = shutil.disk_usage(folder).free
    summary = (
        f"{size(free)} free; {rounds} rounds take {size(needed)} at most, logs and temporary files {size(SPARE_BYTES)}"
    )
    if free < needed + SPARE_BYTES:
        raise NotFit(f"{folder}: {summary}", patient.edit("[node] keep_rounds, or home on a larger disk"))
    return summary


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())
