"""Repeat a demo's rounds in one process, without chain, store and nodes, and compare every global with the chain's.

    python -m fedlab.experiment.on_chain runs/<run> all_losses/demo-runs/<run> OUT.json

This shows that an experiment's figures are those that the federation's own programs would have got.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fednode.config import load as load_config
from fednode.data import load_data
from fednode.site_data import columns_of, train_rows
from fednode.sponsor.new_spec import load as load_federation
from fedprotocol.errors import FedError
from fedprotocol.files.whole import write_whole
from fedprotocol.program.terminal import run_program, say_error

from fedlab.experiment.federated import in_integers
from fedlab.experiment.members import Member
from fedlab.results.folder import ResultsFolder
from fedlab.results.records import ResultsError

CALLS = ("commit", "reveal", "attest")


class OtherBits(FedError):
    """A global on the chain does not follow from its sites' data."""


def compare(run: Path, results: Path) -> list[dict[str, str | int]]:
    """For each round, the root on the chain and the root computed here. Raises OtherBits at the first difference."""
    from fednode.training import AdapterModel

    federation = load_federation(run / "spec")
    configs = {folder.name: load_config(folder / "fednode.toml") for folder in sorted((run / "sites").iterdir())}
    members = {
        name: Member(load_data(train_rows(config), columns_of(config, federation.spec)), config.node.seed)
        for name, config in sorted(configs.items())
    }
    settings = next(iter(configs.values())).model
    model = AdapterModel.load(federation.spec, settings.source, settings.device, settings.threads)
    genesis = federation.spec.layout.weights(federation.genesis)
    on_chain = {record.round: record.root for record in ResultsFolder.open(results).rounds()}
    found: list[dict[str, str | int]] = []
    for swept in in_integers(model, federation.spec, genesis, members):
        root = "0x" + (swept.root or b"").hex()
        found.append({"round": swept.number, "on_chain": on_chain[swept.number], "in_one_process": root})
        print(f"round {swept.number}: {root}, {'as' if root == on_chain[swept.number] else 'NOT as'} on the chain")
        if root != on_chain[swept.number]:
            raise OtherBits(f"round {swept.number}: {on_chain[swept.number]} on the chain, {root} here")
    return found


def money(results: Path) -> dict[str, Any]:
    """`paid`: account -> token units earned; `gas_of_a_round`: what a round costs a client, the mean of its calls."""
    report = ResultsFolder.open(results).report()
    if report is None:
        raise ResultsError(f"{results} has no report.json: the demo did not come to its end")
    return {
        "paid": {name: payout.rewards for name, payout in report.paid.items()},
        "gas_of_a_round": sum(report.gas[call].mean for call in CALLS),
    }


def main(arguments: Sequence[str]) -> int:
    """Repeat the rounds and write the result. Returns the exit status."""
    if len(arguments) != 3:
        print(
            "usage: python -m fedlab.experiment.on_chain runs/<run> all_losses/demo-runs/<run> OUT.json",
            file=sys.stderr,
        )
        return 2
    run, results, out = map(Path, arguments)
    try:
        found = {"run": run.name, "rounds": compare(run, results), **money(results)}
    except FedError as error:
        say_error(error)
        return error.exit_code
    write_whole(out, json.dumps(found, indent=1) + "\n")
    print(f"wrote {out}")
    return 0


if __name__ == "__main__":
    run_program(lambda: sys.exit(main(sys.argv[1:])))
