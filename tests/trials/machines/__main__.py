"""`make machines`: "Several machines" of docs/operating.md as people do it, where only a network is shared.

Ends with 1 if something does not hold.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable

from fednode.base_model.quiet_libraries import quiet
from support.end_at_sigterm import end_at_sigterm
from support.evm import ANVIL, ROOT
from support.kubo import BINARY
from support.tiny_model import CLASSES, TEMPLATE, build_tiny_model, colour_rows, write_jsonl

from machines.machine import Machine, Network

CHAIN_ID, ROUNDS = 770077, 3
SITES = ("clinic", "bank", "law")
FEDERATION = """spec = "spec.json"
[members]
min_clients = 2
max_clients = 3
[phases]
train = "15m"
reveal = "5m"
attest = "5m"
challenge = "20s"
min_window = "10s"
abandon_after = "1h"
[money]
pool = 300
[proof]
block_time = 1
"""
PATIENCE = 900.0  # seconds for all rounds
RPC_PORT, SWARM_PORT = 5001, 4001


def main() -> int:
    if os.geteuid() != 0:
        print("error: network namespaces need root")
        return 1
    if not os.access(BINARY, os.X_OK):
        print("error: there is no Kubo; run `make kubo`")
        return 1
    with Network(ROOT / "runs/machines") as network:
        play(network)
    return 0


def play(network: Network) -> None:
    chain, sponsor, aggregator = (network.machine(name) for name in ("chain", "sponsor", "aggregator"))
    sites = [network.machine(name) for name in SITES]
    rpc = f"http://{chain.address}:8545"
    chain.start(str(ANVIL), "--host", chain.address, "--chain-id", str(CHAIN_ID), "--block-time", "1")
    quiet()
    build_tiny_model(network.folder / "model")

    step("a Kubo daemon on every machine")
    peers = {machine: start_kubo(machine) for machine in (sponsor, aggregator, *sites)}
    for one, other in ((sites[0], sites[1]), (aggregator, sponsor)):
        url = f"http://{other.address}:{RPC_PORT}/api/v0/id"
        reached = one.run("curl", "--silent", "--max-time", "2", "-X", "POST", url, status=None)
        assert not reached, f"{one.name} reaches the RPC of {other.name}"

    step("the sponsor: spec, contracts, pool")
    sponsor.run(
        *("fednode", "spec", "new", "--name", "Colours", "--base-model", "tests/tiny", "--source"),
        *(str(network.folder / "model"), "--template", TEMPLATE, "--rounds", str(ROUNDS), "--steps", "3"),
        *("--sequence-length", "64", "--leaf-values", "256", "--learning-rate", "0.005", "--schedule", "constant"),
        *(word for name in CLASSES for word in ("--class", name)),
        *("--store", f"kubo:http://127.0.0.1:{RPC_PORT}"),
    )
    (sponsor.folder / "federation.toml").write_text(FEDERATION)
    deployments = sponsor.folder / "deployments"

    def brownie(*words: str) -> str:
        return sponsor.run("brownie", *words, cwd=ROOT, DEPLOYMENTS_DIR=str(deployments))

    brownie("networks", "add", "Federation", "machines", f"host={rpc}", f"chainid={CHAIN_ID}")
    brownie("run", "deploy", "main", str(sponsor.folder / "federation.toml"), "--network", "machines")
    coordinator = json.loads((deployments / f"{CHAIN_ID}.json").read_text())["coordinator"]

    step("sites and aggregator: config, key, money")
    known = ["--coordinator", coordinator, "--chain-id", str(CHAIN_ID), "--rpc", rpc, "--password-file", "password.txt"]
    addresses = []
    for index, machine in enumerate([*sites, aggregator]):
        machine.run("sh", "-c", "umask 077; head -c 18 /dev/urandom | base64 > password.txt")
        store = ["--store", f"kubo:http://127.0.0.1:{RPC_PORT}"]
        store += [word for other, peer in peers.items() if other is not machine for word in ("--peer", peer)]
        if machine is aggregator:
            said = machine.run("fedaggregator", "init", *known, *store)
        else:
            write_jsonl(machine.folder / "train.jsonl", colour_rows(64, seed=index))
            write_jsonl(machine.folder / "test.jsonl", colour_rows(24, seed=1000))
            model = ["--model", str(network.folder / "model"), "--test", "test.jsonl"]
            machine.run("fednode", "init", *known, *store, *model)
            said = machine.run("fednode", "account", "new")
        addresses += re.findall(r"0x[0-9a-fA-F]{40}", said)[-1:]
    brownie("run", "fund", "faucet", *addresses, "--network", "machines")
    for site in sites:
        site.run("fednode", "join")
        print(site.run("fednode", "doctor"), flush=True)

    step("all programs run")
    aggregator.start("fedaggregator", "run")
    programs = {site: site.start("fednode", "run") for site in sites}
    until("the federation is complete", lambda: all(p.poll() is not None for p in programs.values()))
    for site, program in programs.items():
        assert program.returncode == 0, site.log("fednode").read_text()
    print(brownie("run", "rounds", "--network", "machines"))
    for site in sites:
        print(site.name, site.run("fednode", "audit", str(ROUNDS), "--out", "audit").strip())
        received = json.loads(site.run(str(BINARY), "bitswap", "stat", "--enc", "json"))
        print(
            f"{site.name} at {site.address}: {received['BlocksReceived']} blocks received, from {len(sites) + 1} peers"
        )
        assert received["BlocksReceived"] > 0
        print(site.name, site.run("fednode", "claim").strip())


def start_kubo(machine: Machine) -> str:
    """The daemon as an operator sets it up; its multiaddress for others."""
    swarm = f"/ip4/{machine.address}/tcp/{SWARM_PORT}"
    machine.run(str(BINARY), "init")
    machine.run(str(BINARY), "bootstrap", "rm", "--all")
    machine.run(str(BINARY), "config", "--json", "Addresses.Swarm", json.dumps([swarm]))
    machine.start(str(BINARY), "daemon")
    until(f"Kubo of {machine.name}", lambda: "Daemon is ready" in machine.log(str(BINARY)).read_text())
    identity = json.loads(machine.run(str(BINARY), "id", "--enc", "json"))
    return f"{swarm}/p2p/{identity['ID']}"


def step(words: str) -> None:
    print(f"== {words}", flush=True)


def until(what: str, reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE:.0f} s"
        time.sleep(0.5)


if __name__ == "__main__":
    end_at_sigterm()
    try:
        sys.exit(main())
    except (AssertionError, subprocess.CalledProcessError) as error:
        sys.exit(f"FAILED: {error}")
