"""Collects the results of a run from the chain and the nodes' files, as records for the results folder."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fednode.figure_files import records
from fednode.training.step_files import read_steps
from fedprotocol.program import environment
from fedprotocol.spec import load_spec, spec_digest
from fedprotocol.tree import cid

from fedlab.demo.history import FinalRound, History
from fedlab.demo.ledger import Spending, gas_by_round
from fedlab.demo.options import Options, Paths
from fedlab.demo.prepare import Ready
from fedlab.demo.round_seconds import began_training, round_seconds
from fedlab.demo.sites import DOMAINS
from fedlab.experiment.machine import processor
from fedlab.results.folder import ResultsFolder
from fedlab.results.records import GasUse, Payout, Report, ResultsError, RoundRecord, RunInfo, Score, pool

PACKAGES = ("torch", "transformers", "peft", "bitsandbytes", "numpy", "datasets", "web3", "eth-brownie")


def round_records(paths: Paths, ready: Ready, history: History, spent: list[Spending]) -> list[RoundRecord]:
    """The records of the genesis and of every final round. Raises: ResultsError if a site scored another global than
    the final one."""
    names = {account: name for name, account in ready.accounts.items()}
    genesis = load_spec(paths.spec.read_bytes()).genesis_root
    gas = gas_by_round(spent)
    done: dict[int, FinalRound] = {final.number: final for final in history.final}
    found = []
    for number, root in [(0, genesis), *((n, "0x" + final.root.hex()) for n, final in done.items())]:
        whole, by_domain = _scores(paths, ready, number, root)
        final = done.get(number)
        found.append(
            RoundRecord(
                round=number,
                root=root,
                cid=cid(bytes.fromhex(root[2:])),
                global_loss=whole.loss,
                global_accuracy=whole.accuracy,
                by_domain=by_domain,
                weights={names[a]: weight for a, weight in final.weights.items()} if final else {},
                bytes=_bytes(paths, ready, number) if final else {},
                gas=gas.get(number, 0),
                recomputed_by=tuple(sorted(names[a] for a in final.recomputed_by)) if final else (),
            )
        )
    return found


def report(
    paths: Paths, ready: Ready, history: History, gas: dict[str, GasUse], peak_memory: Mapping[str, int]
) -> Report:
    """What the final table shows in addition to the rounds. `peak_memory`: bytes for each process."""
    solo = {}
    for site in ready.sites:
        entries = records(_metrics(paths, site.name) / "solo.jsonl")
        if entries:
            last = entries[-1]
            solo[site.name] = Score(loss=last["loss"], accuracy=last["accuracy"], items=last["items"])
    return Report(
        solo=solo,
        paid={
            name: Payout(
                rewards=history.rewards.get(account, 0),
                bonds_returned=history.bonds.get(account, 0),
                claimed=history.paid.get(account, 0),
            )
            for name, account in ready.accounts.items()
        },
        gas=gas,
        peak_memory={name: size for name, size in peak_memory.items() if name in ready.accounts and size},
        seconds=round_seconds(history.final, began_training(_metrics(paths, site.name) for site in ready.sites)),
    )


def copy_steps(paths: Paths, ready: Ready, folder: ResultsFolder) -> None:
    """The CSV files that the nodes wrote about their training. They are checked when they are copied."""
    for site in ready.sites:
        for file in sorted(_metrics(paths, site.name).glob("round_*.csv")):
            folder.write_steps(site.name, int(file.stem.removeprefix("round_")), read_steps(file))


def run_info(options: Options, paths: Paths, ready: Ready, started: str) -> RunInfo:
    document = paths.spec.read_bytes()
    spec = load_spec(document)
    config: dict[str, Any] = {**asdict(options), "model": spec.base_model.id, "rule": spec.rule}
    del config["out"], config["keep"]
    described = spec.model_dump(mode="json")
    described["layout"] = {"value_count": spec.layout.value_count, **described["layout"]}
    # left out: it is long, and follows from the base model and the adapter's settings
    del described["layout"]["tensors"]
    seeds = {"spec": options.seed}
    data = {}
    for index, site in enumerate(ready.sites):
        seeds[site.name] = options.seed + index
        for file in sorted(paths.site(site.name).glob("*.jsonl")):
            content = file.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            data[f"{site.name}/{file.name}"] = {"sha256": digest, "rows": content.count(b"\n")}
    return RunInfo(
        run=paths.run.name,
        started=started,
        config={
            **config,
            "spec_digest": "0x" + spec_digest(document).hex(),
            "spec": described,
            "federation": tomllib.loads(paths.federation.read_text()),
        },
        seeds=seeds,
        base_model={
            "id": spec.base_model.id,
            "digest": spec.base_model.digest,
            "source": Path(ready.model.source).name,
        },
        data=data,
        versions={
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
            "git": _git_commit(paths.root),
        },
        hardware={
            "machine": platform.machine(),
            "processor": processor(),
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            "device": "cpu",
        },
    )


def _scores(paths: Paths, ready: Ready, number: int, root: str) -> tuple[Score, dict[str, Score]]:
    by_domain: dict[str, dict[str, Score]] = {}
    whole = {}
    for site in ready.sites:
        entry = next((e for e in records(_metrics(paths, site.name) / "rounds.jsonl") if e["round"] == number), None)
        if entry is None:
            raise ResultsError(f"{site.name} did not score the global of round {number}")
        if entry["global_root"] != root:
            raise ResultsError(
                f"{site.name} scored {entry['global_root']} in round {number}, the final global is {root}"
            )
        whole[site.name] = Score(loss=entry["loss"], accuracy=entry["accuracy"], items=entry["items"])
        for domain, score in entry["by_domain"].items():
            by_domain.setdefault(domain, {})[site.name] = Score(**score)
    return pool(whole), {domain: pool(by_domain[domain]) for domain in DOMAINS.values() if domain in by_domain}


def _bytes(paths: Paths, ready: Ready, number: int) -> dict[str, int]:
    found = {}
    for site in ready.sites:
        for entry in records(_metrics(paths, site.name) / "rounds.jsonl"):
            if entry["round"] == number:
                found[site.name] = entry["update_bytes"]
    return found


def _metrics(paths: Paths, name: str) -> Path:
    return paths.site(name) / "home" / "metrics"


def _git_commit(root: Path) -> str:
    """The commit of HEAD, with a + if tracked files differ from it."""
    env = environment.given()
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, env=env, capture_output=True, check=True).stdout
        changed = subprocess.run(["git", "diff", "--quiet", "HEAD"], cwd=root, env=env, check=False).returncode
    except (OSError, subprocess.CalledProcessError):  # git is not installed, or this is no checkout
        return "unknown"
    return commit.decode().strip() + ("+" if changed else "")
