"""Sites of a federation as an operator sets them up: a tiny real model, a spec, the contracts on an anvil, and for each
site a config file, a key, data and a seat; `Site.run` starts the real program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account.signers.local import LocalAccount
from fednode.sponsor.new_spec import Choices, NewFederation, make, publish
from fedprotocol.chain.account import keys
from fedprotocol.files.private import create_private
from fedprotocol.program.logs import VARIABLE
from fedprotocol.store.open import open_store
from support import programs
from support.evm import Anvil
from support.live_federation import LiveFederation
from support.tiny_model import CLASSES, TEMPLATE, build_tiny_model, colour_rows, write_jsonl

PASSWORD = "a password of the tests"
BIN = Path(sys.executable).parent


def choices(**changes: Any) -> Choices:
    """A spec of few small steps."""
    values: dict[str, Any] = {
        "name": "Colours",
        "base_model": "tests/tiny",
        "revision": None,
        "lora": {"r": 4, "alpha": 8, "dropout": 0.0, "target_modules": ("q_proj", "v_proj"), "factors": "both"},
        "quantization": {"kind": "fp32", "double_quant": False, "compute_dtype": "fp32"},
        "prompt": {"template": TEMPLATE},
        "training": {
            "rounds": 2,
            "steps": 3,
            "batch_size": 8,
            "gradient_accumulation": 1,
            "sequence_length": 64,
            "optimizer": "adamw_torch",
            "learning_rate": 5e-3,
            "schedule": "constant",
            "final_learning_rate_ratio": 0.1,
            "weight_decay": 0.0,
            "max_grad_norm": 1.0,
            "gradient_checkpointing": False,
            "proximal_mu": 0.0,
        },
        "evaluation": {"classes": CLASSES},
        "leaf_values": 256,
        "mantissa_bits": 8,
        "rule": "fedavg",
        "server_lr": 1 << 16,
        "seed": 0,
    }
    return Choices.model_validate({**values, **changes})


@dataclass(frozen=True)
class Prepared:
    """A base model's folder and a spec made on it: takes seconds, and serves any number of federations."""

    model: Path
    spec: NewFederation

    @classmethod
    def on(cls, model: Path, **changes: Any) -> Prepared:
        """On the tiny model in the folder `model`, built if there is none yet."""
        if not model.exists():
            build_tiny_model(model)
        return cls(model, make(choices(**changes), str(model)))


class Site:
    """One site: its folder holds all that it has."""

    def __init__(self, folder: Path, account: LocalAccount) -> None:
        self.folder = folder
        self.account = account
        self.config = folder / "fednode.toml"
        self.process: programs.Program | None = None

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def command(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `fednode …` and wait for it."""
        done = programs.run(["fednode", *arguments], self.folder, environment())
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def run(self, *options: str) -> None:
        """Start the daemon; its console goes to console.txt."""
        with (self.folder / "console.txt").open("ab") as console:
            self.process = programs.start(["fednode", "run", *options], self.folder, environment(), console, console)

    def kill(self) -> None:
        """kill -9: nothing can be tidied up."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def console(self) -> str:
        file = self.folder / "console.txt"
        return file.read_text() if file.exists() else ""

    def metrics(self, name: str) -> list[dict[str, Any]]:
        """The records of metrics/`name`."""
        return [json.loads(line) for line in (self.home / "metrics" / name).read_text().splitlines()]


class Sites:
    """`count` sites of one federation. `config` goes into each fednode.toml (None leaves a key out), `overrides` into
    the contract; `peers` are further stores' folders that all read from, `asked_first` the URLs of peers before all."""

    def __init__(
        self,
        chain: Anvil,
        folder: Path,
        count: int,
        config: dict[str, dict[str, Any]] | None = None,
        spec: dict[str, Any] | None = None,
        prepared: Prepared | None = None,
        peers: Sequence[Path] = (),
        asked_first: Sequence[str] = (),
        **overrides: Any,
    ) -> None:
        self.folder = folder
        self.asked_first = asked_first
        prepared = prepared or Prepared.on(folder / "model", **(spec or {}))
        self.model, self.spec = prepared.model, prepared.spec
        self.peers = [f"dir:{peer}" for peer in (folder / "aggregator/store", *peers)]
        self.sponsor_url = f"dir:{folder / 'sponsor'}"
        publish(self.spec, open_store(self.sponsor_url, folder / "cache"))
        layout = self.spec.spec.layout
        self.federation = LiveFederation(
            chain,
            leaf_count=layout.leaf_count,
            leaf_values=layout.leaf_values,
            rule=self.spec.spec.rule,
            **{
                "genesisRoot": self.spec.genesis.root,
                "specDigest": self.spec.digest,
                "totalRounds": self.spec.spec.training.rounds,
                "maxShift": self.spec.spec.bounds.max_shift,
                "minClients": min(2, count),
                "trainLength": 600,
                "challengeLength": 6,
                **overrides,
            },
        )
        self.coordinator = self.federation.coordinator
        self.sites = [self._site(index, count, config or {}) for index in range(count)]

    def _site(self, index: int, count: int, config: dict[str, dict[str, Any]]) -> Site:
        folder = self.folder / f"site-{index}"
        folder.mkdir()
        account = self.federation.new_account()
        keys.save(folder / "key.json", account, PASSWORD, iterations=1024)
        password = folder / "password.txt"
        password.touch(mode=0o600)
        password.write_text(PASSWORD)
        write_jsonl(folder / "train.jsonl", colour_rows(64, seed=index))
        write_jsonl(folder / "test.jsonl", colour_rows(24, seed=1000))
        others = [f"dir:{self.folder}/site-{other}/store" for other in range(count) if other != index]
        tables: dict[str, dict[str, Any]] = {
            "": {"home": "home"},
            "chain": {
                "rpc": [self.federation.chain.url],
                "chain_id": self.coordinator.chain_id,
                "coordinator": self.coordinator.address,
                "poll_seconds": 0.3,
            },
            "store": {"url": "dir:store", "peers": [*self.asked_first, self.sponsor_url, *others, *self.peers]},
            "account": {"keystore": "key.json", "password_file": "password.txt"},
            "model": {"source": str(self.model)},
            "data": {"train": "train.jsonl", "test": "test.jsonl"},
            "node": {"propose_after": 1, "attest_margin": 5, "claim": True, "seed": index},
        }
        for name, table in config.items():
            merged = {**tables.get(name, {}), **table}
            tables[name] = {key: value for key, value in merged.items() if value is not None}
        with create_private(folder / "fednode.toml") as file:
            file.write(toml(tables).encode())
        return Site(folder, account)

    def stop(self) -> None:
        for site in self.sites:
            site.kill()

    def ended(self) -> bool:
        """Whether every daemon has."""
        return all(site.process is not None and site.process.poll() is not None for site in self.sites)

    def run_all(self) -> None:
        for site in self.sites:
            site.run()

    def wait(self, reached: Callable[[], bool], seconds: float, what: str) -> None:
        """Until `reached`, by the wall clock; fails with every console if a node ends or it takes too long."""
        deadline = time.monotonic() + seconds
        while not reached():
            consoles = "\n".join(f"--- {site.folder.name}\n{site.console()}" for site in self.sites)
            assert time.monotonic() < deadline, f"{what}: not after {seconds} s\n{consoles}"
            time.sleep(0.1)


def toml(tables: dict[str, dict[str, Any]]) -> str:
    """Flat tables; JSON's values are TOML's too."""
    parts = []
    for name, table in tables.items():
        parts += [f"[{name}]"] if name else []
        parts += [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    return "\n".join(parts) + "\n"


def environment() -> dict[str, str]:
    fixed = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1", VARIABLE: "human"}
    return {**os.environ, **fixed}
