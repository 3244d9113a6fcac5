"""README.md's way into a federation, its commands as they are printed: sponsor, site, aggregator, and the model."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fedprotocol.chain.account import keys
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.deployment.record import Deployment, load_deployment
from support import programs, readme
from support.evm import ROOT, Anvil, compiled
from support.short_rounds import SHORT, edit, skip_windows
from support.sites import PASSWORD, environment
from support.tiny_model import build_tiny_model, colour_rows, write_jsonl

CHAIN_ID = 31_337
ROUNDS = 3  # the round that the README audits
BASE = "HuggingFaceTB/SmolLM2-135M-Instruct"
FILLED = {  # what whoever reads the README puts in, and what stands here for a model of half a gigabyte
    "<name>": ["fed-readme"],
    BASE: ["tests/tiny", "--source", "../model", "--sequence-length", "64", "--quantization", "fp32"],
    "notes.jsonl": ["notes.jsonl", "--model", "../model"],
}
EDITED = {"min_clients = 3 ": "min_clients = 1 ", **SHORT}  # what the sponsor decides otherwise than the example does
MODEL_USE = ("generate", "evaluate", "serve", "export", "push", "audit")


@dataclass
class Walk:
    """A sponsor's checkout, a site's folder and an aggregator's, each with nothing but what its part of the README
    asks for; `said`: what each command printed, by its first two words."""

    folder: Path
    chain: Anvil
    said: dict[str, str] = field(default_factory=dict)
    running: dict[str, programs.Program] = field(default_factory=dict)

    def place(self, words: list[str]) -> Path:
        if words[0] == "fedaggregator":
            return self.folder / "aggregator"
        return self.folder / ("sponsor" if words[0] != "fednode" or words[1] == "spec" else "site")

    def run(self, words: list[str], status: int = 0) -> str:
        """The command as printed, in the place of whoever it is for; it must end with `status`."""
        filled = [one for word in words for one in FILLED.get(word, [word])]
        place = self.place(filled)
        if filled[0] in ("fednode", "fedaggregator"):
            done = programs.run(filled, place, {**environment(), keys.PASSWORD_VARIABLE: PASSWORD})
            status_was, said = done.returncode, done.stdout + done.stderr
        else:
            at = next(number for number, word in enumerate(filled) if "=" not in word)  # NAME=value before a command
            settings = dict(word.split("=", 1) for word in filled[:at])
            shell = subprocess.run(
                filled[at:],
                cwd=place,
                env={**brownies(self.folder), **settings},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=300,
            )
            status_was, said = shell.returncode, shell.stdout + shell.stderr
        assert status_was == status, (filled, said)
        self.said[" ".join(words[:2])] = said
        return said

    def start(self, words: list[str]) -> None:
        with (self.place(words) / "console.txt").open("ab") as console:
            given = {**environment(), keys.PASSWORD_VARIABLE: PASSWORD}
            self.running[words[0]] = programs.start(words, self.place(words), given, console, console)

    def stop(self, program: str) -> None:
        """Ctrl-C."""
        self.running[program].send_signal(signal.SIGINT)
        self.running[program].wait(20)

    def until(self, said: str, what: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while said not in self.consoles():
            assert time.monotonic() < deadline, (what, self.consoles())
            time.sleep(0.2)

    def consoles(self) -> str:
        return "\n".join(file.read_text() for file in self.folder.glob("*/console.txt"))


def brownies(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "HOME": str(folder / "home"),
        "SOLCX_BINARY_PATH": str(ROOT / ".tools/solcx"),
        "PATH": f"{ROOT / '.venv/bin'}:{ROOT / '.tools/bin'}:{os.environ['PATH']}",
    }


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    folder = tmp_path_factory.mktemp("readme")
    sponsor = folder / "sponsor"
    for name in ("contracts", "interfaces", "scripts", "build"):
        ignored = shutil.ignore_patterns("deployments", "__pycache__")
        shutil.copytree(ROOT / name, sponsor / name, ignore=ignored)
    for name in ("brownie-config.yaml", "federation.example.toml"):
        shutil.copy(ROOT / name, sponsor)
    (sponsor / "node_modules").symlink_to(ROOT / "node_modules")
    for name in ("home", "site", "aggregator"):
        (folder / name).mkdir()
    build_tiny_model(folder / "model")
    write_jsonl(folder / "site/notes.jsonl", colour_rows(48, seed=1))
    write_jsonl(folder / "site/test.jsonl", colour_rows(12, seed=2))
    with Anvil("--block-time", "1", "--chain-id", str(CHAIN_ID)) as chain:
        add = ["brownie", "networks", "add", "Federation", "fed-readme", f"host={chain.url}", f"chainid={CHAIN_ID}"]
        subprocess.run(add, cwd=sponsor, env=brownies(folder), check=True, capture_output=True)
        made = Walk(folder, chain)
        try:
            yield made
        finally:
            for program in made.running.values():
                program.kill()


def test_the_way_that_the_readme_shows(walk: Walk) -> None:
    printed = readme.commands("Take part")
    sponsor = [words for words in printed if walk.place(words).name == "sponsor"]
    aggregator = [words for words in printed if words[0] == "fedaggregator"]
    site = [words for words in printed if words not in sponsor and words not in aggregator]
    assert [len(part) for part in (sponsor, site, aggregator)] == [4, 16, 3]

    for words in sponsor:
        walk.run(words)
        if words[0] == "cp":
            edit(walk.folder / "sponsor/federation.toml", EDITED)
    deployment = load_deployment(walk.folder / "sponsor/deployments", CHAIN_ID)
    invitation = walk.folder / f"sponsor/deployments/{CHAIN_ID}.invitation.json"
    assert str(invitation) in walk.said["FEDERATION=federation.toml brownie"]
    for invited in ("site", "aggregator"):
        shutil.copy(invitation, walk.folder / invited / "invitation.json")
    coordinator = Coordinator.connect(walk.chain.url, deployment.coordinator, CHAIN_ID)

    taking_part = {words[1]: words for words in site if words[1] not in MODEL_USE}
    assert list(taking_part) == ["init", "account", "doctor", "join", "run", "status", "rounds", "claim"]
    walk.run(taking_part["init"])
    walk.run(taking_part["account"])
    provide(walk.chain, deployment, json.loads((walk.folder / "site/key.json").read_text())["address"])
    asked = walk.run(taking_part["doctor"], status=1)
    assert [line.split()[1] for line in asked.splitlines() if line.startswith("FAIL")] == ["seat"], asked
    walk.run(taking_part["join"])

    init, doctor, run = aggregator
    walk.run(init)
    provide(walk.chain, deployment, json.loads((walk.folder / "aggregator/keystore.json").read_text())["address"])
    walk.run(doctor)
    walk.start(taking_part["run"])
    walk.until("announced: ", "the site says where its content is served")
    walk.start(run)
    until_final(walk, coordinator)
    walk.run(taking_part["status"])
    assert f"{ROUNDS}" in walk.run(taking_part["rounds"])
    walk.stop("fednode")
    assert "received" in walk.run(taking_part["claim"])

    for words in site:
        if words[1] == "serve":
            walk.start(words)
            walk.until("answers as the model", "the model is there for other programs")
            walk.stop("fednode")
        elif words[1] in MODEL_USE:
            walk.run(words)
    assert "is right" in walk.said["fednode audit"]
    written = ("adapter/adapter_config.json", "model/model.safetensors", "gguf/model.gguf", "gguf/Modelfile")
    assert all((walk.folder / "site" / file).is_file() for file in written)
    assert "adapter_model.safetensors" in walk.said["fednode push"] and "## Verify" in walk.said["fednode push"]
    config = (walk.folder / "site/fednode.toml").read_text()
    assert '# Federation "Ward notes"' in config and deployment.coordinator in config


def provide(chain: Anvil, deployment: Deployment, account: str) -> None:
    """Ether, and tokens of the sponsor's, as the README asks for."""
    address = chain.web3.to_checksum_address(account if account.startswith("0x") else f"0x{account}")
    chain.give(address, 10**19)
    token = chain.web3.eth.contract(address=deployment.token, abi=compiled("DemoToken")["abi"])
    chain.do(token.functions.mint(address, 10**22))


def until_final(walk: Walk, coordinator: Coordinator, seconds: float = 90) -> None:
    """All that waits in these rounds are the windows of proposals, which nobody here will challenge."""
    deadline = time.monotonic() + seconds
    while coordinator.final_count() < ROUNDS:
        assert time.monotonic() < deadline, walk.consoles()
        skip_windows(walk.chain, coordinator)
        time.sleep(0.5)
