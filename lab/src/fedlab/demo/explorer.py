"""The explorer beside a demo run: it shows the federation in the browser, and nothing of the run depends on it."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping, Sequence

from fedprotocol.files.whole import write_whole
from fedprotocol.printable import json_text
from fedprotocol.program.signals import stop_at_signals
from rich.console import Console

from fedlab.demo import configs
from fedlab.demo.anvil import Chain, resume_anvil
from fedlab.demo.options import DemoError, Paths, newest_run
from fedlab.demo.programs import Programs
from fedlab.demo.supervisor import Process, ProcessFailed, Supervisor

NAME = "explorer"
TITLE = "Four domains, one model"
PORT = 8600  # the usual one of `fedexplorer run`
START_SECONDS = 45.0  # on a busy machine
EXPORT = "explorer-export"
EXPORT_SECONDS = 180.0
LOOK_SECONDS = 0.2


def keep_options(
    paths: Paths,
    chain: Chain,
    coordinator: str,
    places: Sequence[str],
    accounts: Mapping[str, str],
    sites: Sequence[str],
) -> None:
    """Write down what the explorer has to be told about the run, for now and for later.

    Args:
        places: where content is read from.
        accounts: the addresses of all who take part, by name.
        sites: the names of those that score the globals.
    """
    write_whole(paths.names, configs.toml({"": {address: name for name, address in accounts.items()}}))
    kept = {
        "coordinator": coordinator,
        "chain-id": str(chain.chain_id),
        "title": TITLE,
        "names": str(paths.names),
        "home": str(paths.explorer / "cache"),
        "store": list(places),
        "scores": [str(paths.site(name) / "home" / "metrics" / "rounds.jsonl") for name in sites],
    }
    write_whole(paths.explorer / "options.json", json_text(kept, indent=2) + "\n")


def start_explorer(paths: Paths, supervisor: Supervisor, rpc: str, port: int | None = None) -> Process | None:
    """Start it in the background; None if it is not installed. `port`: by default the usual one, if it is free."""
    number = usual_port() if port is None else port
    options = [*_options(paths), "--rpc", rpc, "--no-find-peers", "--port", str(number), "--json"]
    return Programs(supervisor).start_beside(NAME, paths.run, "fedexplorer", "run", *options)


def address_of(process: Process | None) -> str:
    """Where the pages are, once the explorer says so; empty if it has ended or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while process is not None and time.monotonic() < deadline:
        for line in process.output().splitlines():
            if line.startswith('{"url": '):
                return str(json.loads(line)["url"])
        if process.code is not None:
            break
        time.sleep(LOOK_SECONDS)
    return ""


def export_pages(paths: Paths, supervisor: Supervisor, rpc: str) -> str:
    """Write the explorer's pages as files that need no server. Returns why that was not possible, or an empty text."""
    options = [*_options(paths), "--rpc", rpc, "--no-find-peers"]
    process = Programs(supervisor).start_beside(EXPORT, paths.run, "fedexplorer", "export", str(paths.pages), *options)
    if process is None:
        return "fedexplorer is not installed"
    try:
        supervisor.wait(process, EXPORT_SECONDS)
    except ProcessFailed as error:
        return str(error)
    return ""


def open_again(name: str | None, port: int | None, console: Console) -> None:
    """Show the run runs/<name>, by default the newest one that left its chain, until Ctrl-C. The chain is as it was
    when the run ended, and makes no more blocks.

    Raises: DemoError if there is no such run, or the explorer does not go on; ProcessFailed if the chain does not.
    """
    paths = newest_run(name)
    stop = stop_at_signals(is_usual_end=True)
    with Supervisor(paths.logs) as supervisor:
        chain = resume_anvil(supervisor, paths.root, paths.home, paths.chain, int(str(_kept(paths)["chain-id"])))
        process = start_explorer(paths, supervisor, chain.rpc, port)
        url = address_of(process)
        if process is None or not url:
            raise DemoError(f"the explorer did not start, see {paths.logs / NAME}.log")
        console.print(f"[bold]{url}[/bold] shows run {paths.run.name}; Ctrl-C ends it", highlight=False, soft_wrap=True)
        console.print("The chain is as it was when the run ended. Its clock goes on, and it makes no more blocks.")
        while not stop.wait(LOOK_SECONDS):
            supervisor.check()
            if process.code is not None:
                raise DemoError(f"the explorer has ended, see {process.log}\n{process.last_words()}")


def usual_port() -> int:
    """The usual port if nobody listens there, or else 0, which means any."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", PORT))
        except OSError:
            return 0
    return PORT


def _kept(paths: Paths) -> dict[str, str | list[str]]:
    kept: dict[str, str | list[str]] = json.loads((paths.explorer / "options.json").read_text())
    return kept


def _options(paths: Paths) -> list[str]:
    return [
        f"--{option}={value}"
        for option, given in _kept(paths).items()
        for value in ([given] if isinstance(given, str) else given)
    ]
