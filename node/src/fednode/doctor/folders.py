"""The node's folder, its data, the disk."""

from __future__ import annotations

from pathlib import Path

from fedaggregator.doctor import shared
from fedprotocol.files.filesystem import is_read_only
from fedprotocol.files.private import exposure, open_to_others
from fedprotocol.journal import Journal

from fednode.data import DataError
from fednode.data_source import Portion
from fednode.doctor.check import NotFit, Patient, quoted
from fednode.site_data import data_files, spec_if_known, usable_rows

MOST_NAMED = 3


def home(patient: Patient) -> str:
    """One process a journal, and one federation and account."""
    session = patient.session
    config = session.config
    _try_to_write(patient)

    def bind(journal: Journal) -> None:
        journal.bind(config.chain.chain_id, session.coordinator.address, session.address)

    return shared.journal(config, bind, patient.running, "node", patient.say)


def _try_to_write(patient: Patient) -> None:
    """Write in every folder in which the node will write, and open the files that it will change."""
    config = patient.session.config
    folders = (config.home, config.cache, config.metrics, config.globals, config.updates, config.logs)
    shared.try_home(folders, (config.logs / "fednode.log", config.events, config.journal), patient.say)


def private(patient: Patient) -> str:
    """RPC URLs in the config may hold keys; whoever reads an update before its reveal can commit to it as their own."""
    config = patient.session.config
    folders = [folder for folder in (config.updates, config.solos, config.rows) if folder.exists()]
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
    try:
        for file in data_files(config):
            if isinstance(file.source, Path) and not file.source.is_file():
                raise NotFit(f"there is no data file {file}", patient.edit("[data] train, or test"))
        files = usable_rows(config, spec_if_known(patient.session))
    except DataError as error:
        raise NotFit(str(error), patient.fednode("data", "check")) from error
    return ", ".join(f"{file.of.name}: {file.rows} rows{_held_out(file.of)}" for file in files)


def _held_out(file: Portion) -> str:
    return f" (about {file.share:.0%} of them held out for scoring)" if file.share else ""


def disk(patient: Patient) -> str:
    session = patient.session
    config, terms = session.config, session.coordinator.config()
    fix = patient.edit("[node] keep_rounds, or home on a larger disk")
    spare = "logs and temporary files"
    return shared.disk(config.home, session.spec.layout, terms, config.node.keep_rounds, spare, fix)
