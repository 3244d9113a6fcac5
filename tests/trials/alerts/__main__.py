"""`make alerts`: the alert rules and the dashboards on a real Prometheus.

promtool checks the rules, and tries each with figures that must raise it and with figures that must not. Then two nodes
and an aggregator run a federation, a Prometheus asks their monitors once a second, and every question of every
dashboard is put to it: each must be answered, with what the programs served. `fednode watch` looks at one of the nodes.
At the end a node is killed, which must be noticed. Ends with 1 if something does not hold.
"""

from __future__ import annotations

import csv
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.error import HTTPError

from fednode.config import load
from fednode.live.look import Watcher
from fedprotocol.types import Phase
from rich.console import Console
from support.aggregators import AggregatorSite
from support.evm import ROOT, Anvil
from support.ports import free_port
from support.programs import start
from support.sites import Site, Sites, environment

from alerts.server import Server, prometheus

RULES = ROOT / "packaging/prometheus/federation.rules.yaml"
MAY_BE_EMPTY = ("fed_errors_total", "fed_retries_total")  # they have no series before the first error
PATIENCE = 600.0  # seconds


def main() -> int:
    if missing := [program for program in ("prometheus", "promtool") if shutil.which(program) is None]:
        print(f"error: not installed: {', '.join(missing)}; `apt-get install prometheus` has both")
        return 1
    with tempfile.TemporaryDirectory() as name:
        wrong = [*with_promtool(Path(name) / "rules"), *with_programs(Path(name))]
    for line in wrong:
        print("WRONG", line)
    return bool(wrong)


def with_promtool(folder: Path) -> list[str]:
    folder.mkdir()
    for file in (RULES, Path(__file__).parent / "rules_test.yaml"):
        shutil.copy(file, folder)
    wrong = []
    for words in (["check", "rules", RULES.name], ["test", "rules", "rules_test.yaml"]):
        done = subprocess.run(["promtool", *words], cwd=folder, capture_output=True, text=True)
        print("promtool", *words, "ok" if not done.returncode else done.stdout + done.stderr)
        wrong += [f"promtool {words}"] if done.returncode else []
    return wrong


def with_programs(folder: Path) -> list[str]:
    """Two sites, of which one hands its figures to a table too, and an aggregator that proposes."""
    ports = [free_port() for _ in range(3)]
    instances = [f"127.0.0.1:{port}" for port in ports]
    with Anvil("--block-time", "1") as chain:
        (folder / "fed").mkdir()
        sites = Sites(chain, folder / "fed", 2, config={"node": {"propose_after": 600}})
        aggregator = AggregatorSite(
            sites.federation,
            folder / "fed/aggregator",
            [folder / "fed/sponsor", *(site.folder / "store" for site in sites.sites)],
        )
        for config, port in zip([*(s.config for s in sites.sites), aggregator.config_path], ports, strict=True):
            text = config.read_text().replace("[monitor]\n", f"[monitor]\nport = {port}\n")
            config.write_text(text if "[monitor]" in text else f"{text}\n[monitor]\nport = {port}\n")
        with sites.sites[0].config.open("a") as first:
            first.write('[track]\nto = ["csv"]\n')
        for site in sites.sites:
            site.command("join")
        process = aggregator.start()
        sites.run_all()
        try:
            with prometheus(folder / "prometheus", instances, RULES) as server:
                sites.wait(lambda: is_in_second_round(sites, server, instances[0]), PATIENCE, "the second round")
                wrong = ["round 1 is void"] if sites.coordinator.round_view(1).phase is Phase.VOID else []
                time.sleep(3)
                wrong += [*questions(server, {"node": instances[0], "aggregator": instances[2]})]
                wrong += server.broken_rules()
                if raised := server.alerts():
                    wrong.append(f"alerts of programs that are well: {raised}")
                wrong += watched(sites.sites[0])
                sites.sites[1].kill()
                time.sleep(5)
                noticed = server.alerts()
                print("alerts after the kill:", noticed)
                if (instances[1], "pending") not in noticed.get("FederationProgramDown", set()):
                    wrong.append("a node was killed, and nothing is raised")
            return wrong + figures_of(sites)
        finally:
            process.kill()
            process.wait()
            sites.stop()


def is_in_second_round(sites: Sites, server: Server, node: str) -> bool:
    """And the node has scored a global."""
    return sites.coordinator.last_opened() > 1 and bool(server.ask(f'fed_global_loss{{instance="{node}"}} > 0'))


def questions(server: Server, chosen: dict[str, str]) -> list[str]:
    """What is wrong with the answers. `chosen`: dashboard -> the program that its reader chose."""
    wrong, asked, empty = [], 0, []
    for file in sorted((ROOT / "packaging/grafana").glob("*.json")):
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel["targets"]:
                expression = target["expr"].replace("$node", chosen.get(file.stem, ""))
                asked += 1
                try:
                    found = server.ask(expression)
                except HTTPError as error:
                    wrong.append(f"{file.stem}, {panel['title']}: {expression}: {error.read().decode()}")
                    continue
                if not found and any(name in expression for name in MAY_BE_EMPTY):
                    empty.append(expression)
                elif not found:
                    wrong.append(f"{file.stem}, {panel['title']}: nothing answers {expression}")
    print(f"{asked} questions asked; nothing to tell yet: {len(empty)}")
    return wrong


def watched(site: Site) -> list[str]:
    """What `fednode watch` shows of a real node: drawn, and as lines of a program whose output is no terminal."""
    Console(width=110, color_system=None).print(Watcher(load(site.config), site.account.address).look())
    with (site.folder / "watch.txt").open("wb") as output:
        program = start(["fednode", "watch", "-c", str(site.config)], site.folder, environment(), output, output)
        time.sleep(5)
        program.send_signal(signal.SIGINT)
        status = program.wait(30)
    lines = (site.folder / "watch.txt").read_text()
    print(lines)
    expected = ("round 1: trained, loss", "its global scores loss", "money     stake")
    return [f"fednode watch ({status}) says nothing of: {part}" for part in expected if part not in lines]


def figures_of(sites: Sites) -> list[str]:
    """The table that the first site's figures went to while the node ran."""
    file = sites.sites[0].home / "track/csv/rounds.csv"
    until = time.monotonic() + 30
    while not file.is_file() and time.monotonic() < until:
        time.sleep(0.5)
    rows = list(csv.DictReader(file.open())) if file.is_file() else []
    print("rounds.csv:", rows)
    return [] if (rows and rows[0]["loss_before"]) or len(rows) > 1 else ["[track] has written nothing"]


if __name__ == "__main__":
    sys.exit(main())
