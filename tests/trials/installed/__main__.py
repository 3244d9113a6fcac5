"""`make installed`: wheels in an empty environment, and a federation from an empty folder, without the repository.

For each Python that is there: the wheels and what they ask for are installed with pip. Then a sponsor makes a spec, a
federation file and a federation, three sites and an aggregator join and bring two rounds to their end, and the sponsor
closes it.
Needs anvil (`make setup`) and a registry.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.deployment.record import load_deployment
from support.evm import Anvil
from support.short_rounds import SHORT, edit, skip_windows
from support.tiny_model import TEMPLATE, build_tiny_model, colour_rows, write_jsonl

from installed.environment import Installed, build_wheels, install, pythons

CHAIN_ID, ROUNDS, SITES = 31_337, 2, 3
PASSWORD = "a password of the trial"
SECONDS = 300  # for all rounds
SPEC = ("--name", "Colours", "--base-model", "tests/tiny", "--source", "../model", "--quantization", "fp32")
SMALL = ("--sequence-length", "64", "--steps", "3", "--batch-size", "8", "--learning-rate", "5e-3")
EDITED = {"min_clients = 3 ": f"min_clients = {SITES} ", **SHORT}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make installed", description=__doc__)
    parser.add_argument(
        "versions", nargs="*", help="only these versions of Python, such as 3.12; default: all that are there"
    )
    wanted = parser.parse_args().versions
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build_wheels(folder / "wheels")
        build_tiny_model(folder / "model")
        for version, python in pythons():
            if wanted and version not in wanted:
                continue
            began = time.monotonic()
            environment = install(python, folder / f"python-{version}", folder / "wheels")
            ready = time.monotonic()
            losses = federate(environment, folder / f"federation-{version}", folder / "model")
            said = f"loss {losses[0]:.3f} after the first and {losses[-1]:.3f} after the last"
            seconds = f"installed in {ready - began:.0f} s; {ROUNDS} rounds in {time.monotonic() - ready:.0f} s"
            print(f"Python {version}: {seconds}, {said}", flush=True)
    return 0


def federate(environment: Installed, folder: Path, model: Path) -> list[float]:
    """The loss of the sites' test rows after each round, the mean over the sites."""
    sponsor, sites, aggregator = folder / "sponsor", [folder / f"site-{n}" for n in range(SITES)], folder / "aggregator"
    for place in (sponsor, *sites, aggregator):
        place.mkdir(parents=True)
    (folder / "model").symlink_to(model)

    def run(place: Path, *words: str) -> str:
        return environment.run(list(words), place, PASSWORD)

    with Anvil("--block-time", "1", "--chain-id", str(CHAIN_ID)) as chain:
        at = ("--rpc", chain.url)
        run(
            sponsor,
            "fednode",
            "spec",
            "new",
            *SPEC,
            *SMALL,
            "--template",
            TEMPLATE,
            "--rounds",
            str(ROUNDS),
            "--store",
            "dir:store",
        )
        run(sponsor, "fednode", "federation", "new")
        edit(sponsor / "federation.toml", {**EDITED, '"dir:sponsor"': f'"dir:{sponsor / "store"}"'})
        run(sponsor, "fednode", "federation", "plan", "federation.toml", *at)
        run(sponsor, "fednode", "federation", "deploy", "federation.toml", *at)
        run(sponsor, "fednode", "federation", "fund", *at)
        deployment = load_deployment(sponsor / "deployments", CHAIN_ID)
        invitation = str(sponsor / f"deployments/{CHAIN_ID}.invitation.json")
        for number, site in enumerate(sites):
            write_jsonl(site / "train.jsonl", colour_rows(48, seed=number))
            write_jsonl(site / "test.jsonl", colour_rows(24, seed=10 + number))
            run(site, "fednode", "init", "--invitation", invitation, "--model", "../model", "--test", "test.jsonl")
            address = run(site, "fednode", "account", "new").split()[-1]
            run(sponsor, "fednode", "federation", "faucet", address, *at)
            run(site, "fednode", "join")
        run(aggregator, "fedaggregator", "init", "--invitation", invitation)
        address = json.loads((aggregator / "keystore.json").read_text())["address"]
        run(sponsor, "fednode", "federation", "faucet", f"0x{address.removeprefix('0x')}", *at)
        running = [environment.start(["fednode", "run"], site, PASSWORD) for site in sites]
        running.append(environment.start(["fedaggregator", "run"], aggregator, PASSWORD))
        try:
            wait(chain, Coordinator.connect(chain.url, deployment.coordinator, CHAIN_ID), folder)
            losses = [scored(partial(run, site, "fednode", "rounds", "--json")) for site in sites]
        finally:
            for program in running:
                program.terminate()
            for program in running:
                program.wait(60)
        shown = run(sponsor, "fednode", "federation", "show", *at)
        assert f"{ROUNDS} of {ROUNDS} final" in shown, shown
        run(sponsor, "fednode", "federation", "close", "now", *at)
    return [sum(column) / SITES for column in zip(*losses, strict=True)]


def wait(chain: Anvil, coordinator: Coordinator, folder: Path) -> None:
    """Until all rounds are final. The windows of proposals, which nobody will challenge, are skipped."""
    deadline = time.monotonic() + SECONDS
    while coordinator.final_count() < ROUNDS:
        if time.monotonic() > deadline:
            consoles = [file.read_text()[-2000:] for file in folder.glob("*/console.txt")]
            raise SystemExit("\n".join(["the rounds do not end", *consoles]))
        skip_windows(chain, coordinator)
        time.sleep(0.5)


def scored(read: Callable[[], str]) -> list[float]:
    """The losses of all rounds, once the last has one: a node scores a global after it is final."""
    deadline = time.monotonic() + SECONDS
    while True:
        losses = [one["loss"] for one in json.loads(read())]
        if None not in losses:
            return losses
        if time.monotonic() > deadline:
            raise SystemExit(f"not every round has a score: {losses}")
        time.sleep(1)


if __name__ == "__main__":
    raise SystemExit(main())
