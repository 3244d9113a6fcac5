"""Checks that the doctors of both programs make: contracts, clock, key, journal, disk, port."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from fedprotocol.chain.account.keys import PasswordError
from fedprotocol.chain.account.signer import Signer, keystore_of
from fedprotocol.chain.errors import translated
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.trust import ForeignCode, examine, foreign
from fedprotocol.chain.send.development import is_development
from fedprotocol.chain.send.gas import advisory
from fedprotocol.config import AccountConfig, ConnectionConfig
from fedprotocol.files.filesystem import is_command
from fedprotocol.files.private import exposure
from fedprotocol.files.writable import NotWritable, try_to_write
from fedprotocol.journal import Journal, JournalForeign, JournalLocked
from fedprotocol.monitor.health import Health
from fedprotocol.monitor.server import PortTaken, serve
from fedprotocol.quantities import duration, size
from fedprotocol.spec import Layout
from fedprotocol.types import FederationConfig

from fedaggregator.doctor.check import EDITOR, Commands, NotFit, quoted

STALE = 600.0  # seconds
SPARE_BYTES = 1 << 30  # for the journal, logs and temporary files
SYNC_CLOCK = "sudo timedatectl set-ntp true"


class OneProcess(Protocol):
    """The status of a program, as far as it says which process it is."""

    @property
    def pid(self) -> int: ...


def code(coordinator: Coordinator, trusted: tuple[str, ...]) -> str:
    """The code of the contracts to which stakes and bonds would be entrusted."""
    parts = examine(coordinator, trusted)
    if unknown := foreign(parts):
        raise ForeignCode(unknown)
    named = [part for part in parts if not part.is_known]
    said = f"{', '.join(part.role for part in parts if part.is_known)}: of this version"
    return said + "".join(f"; {part.role} {part.address}: trusted by [chain] trusted_code" for part in named)


def clock(coordinator: Coordinator, commands: Commands) -> str:
    """A node of the chain that lags shows rounds as they were; deadlines are the chain's."""
    eth = coordinator.web3.eth
    other = commands.edit("[chain] rpc: another node first")
    syncing = None
    with advisory("eth_syncing"), translated("eth_syncing"):  # it need not tell: a stale block does
        syncing = eth.syncing
    if isinstance(syncing, Mapping):
        raise NotFit(f"the chain's node still syncs, at block {syncing.get('currentBlock', 'unknown')}", other)
    makes_blocks_on_demand = is_development(eth.w3)
    with translated("eth_getBlockByNumber"):
        newest = int(eth.get_block("pending" if makes_blocks_on_demand else "latest")["timestamp"])
    behind = time.time() - newest
    if behind > STALE:
        raise NotFit(
            f"the newest block is {duration(behind)} old: the chain's node is behind, or this machine's clock is wrong "
            f"(`{SYNC_CLOCK}`)",
            other,
        )
    if behind < -STALE:
        raise NotFit(f"this machine's clock is {duration(-behind)} behind the chain's time", SYNC_CLOCK)
    return f"the chain's time and this machine's differ by {duration(abs(behind))}"


def account(settings: AccountConfig, signer: Callable[[], Signer], commands: Commands) -> str:
    """Whether there is a key, which nobody else can read and which opens."""
    if settings.signer is None:
        keystore = keystore_of(settings)
        if not keystore.exists():
            raise NotFit(f"there is no keystore {keystore}", commands.command("account", "new"))
        for secret in filter(None, (keystore, settings.password_file)):
            _refuse_readable(secret)
    elif settings.address is None:
        raise NotFit("[account] names a signer and no address", commands.edit("[account] address"))
    try:
        address = signer().address
    except PasswordError as error:
        file = settings.password_file
        fix = f"{EDITOR} {quoted(file)}" if file is not None else commands.edit("[account] password_file")
        raise NotFit(str(error), fix) from error
    return f"{address} (can sign)"


def monitor(config: ConnectionConfig, is_running: bool, commands: Commands) -> str:
    """Whether the port is free. `is_running`: then the program itself has it."""
    port = config.monitor.port
    if not port:
        return "off ([monitor] port is 0)"
    if not is_running:
        try:
            with serve(port, Health(config.chain.poll_seconds)):
                pass
        except PortTaken as error:
            raise NotFit(str(error), commands.edit("[monitor] port")) from error
    return f"/metrics and /health on 127.0.0.1:{port}"


def journal(
    config: ConnectionConfig,
    bind: Callable[[Journal], None],
    running: Callable[[], OneProcess | None],
    name: str,
    commands: Commands,
) -> str:
    """Whether the journal is free: it is one process's, and one federation's and account's.

    `bind`: claims it for the federation and account of the config; `running`: what status.json says of the
    process, None if there is none; `name`: what people call the program.
    """
    other = commands.edit("home: a new folder")
    if not config.journal.exists():
        return f"{config.home} can be written; it has no journal yet"
    try:
        with Journal(config.journal) as opened:
            if opened.recall("journal.identity") is not None:
                bind(opened)
    except JournalLocked as error:
        status = running()
        if is_itself(error.pid, None if status is None else status.pid, commands.program):
            return f"the {name} is running (pid {error.pid})"
        raise NotFit(str(error), f"kill {error.pid}" if error.pid else other) from error
    except JournalForeign as error:
        raise NotFit(str(error), other) from error
    return f"the journal in {config.home} is free"


def disk(home: Path, layout: Layout, terms: FederationConfig, keep_rounds: int, spare: str, fix: str) -> str:
    """Whether the rounds that are kept have room. `spare`: what else the program writes; `fix`: what gives it room."""
    values = layout.global_shape.leaf_bytes + terms.max_clients * layout.delta_shape.leaf_bytes
    rounds = min(terms.total_rounds, keep_rounds + 2)  # two may be unsettled
    needed = rounds * values * layout.leaf_count
    folder = next(place for place in (home, *home.parents) if place.exists())
    free = shutil.disk_usage(folder).free
    found = f"{size(free)} free; {rounds} rounds take {size(needed)} at most, {spare} {size(SPARE_BYTES)}"
    if free < needed + SPARE_BYTES:
        raise NotFit(f"{folder}: {found}", fix)
    return found


def _refuse_readable(path: Path) -> None:
    if path.exists() and (exposed := exposure(path)):
        raise NotFit(exposed.text, exposed.command)


def is_itself(holder: int | None, said: int | None, program: str) -> bool:
    """Whether the process that has the journal is the program itself. `holder`: its id, None if it cannot be seen from
    here; `said`: the id in status.json, None if that process is gone. Before the first look at the chain there is no
    status yet, or an older one."""
    return holder is not None and (holder == said or is_command(holder, program, "run"))


def try_home(folders: Sequence[Path], files: Sequence[Path], commands: Commands) -> None:
    """Write in every one of `folders`, as the program will, and open the `files` that it will change. Raises NotFit."""
    parts = [file.with_name(file.name + suffix) for file in files for suffix in ("", "-wal", "-shm", ".lock")]
    try:
        try_to_write(folders, parts)
    except NotWritable as error:
        other = commands.edit("home: a folder that can be written, on a disk with room")
        raise NotFit(str(error), error.command or other) from error
