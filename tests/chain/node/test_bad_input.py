"""What a person gets wrong around a node: one clear error, exit status 1, nothing lost. Real chain, real programs."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fednode.config import load
from fednode.daemon.actions import registry as do
from fednode.daemon.actions.model.train import Train, Trained
from fednode.daemon.journal_facts import Memory
from fednode.daemon.wait_reason import Cause
from fednode.doctor import examine, round_time
from fednode.doctor.round_time import measured
from fednode.session import Session
from fedprotocol.chain.account import keys
from fedprotocol.chain.read.events import scan
from fedprotocol.chain.read.snapshot import take_snapshot
from fedprotocol.errors import FOR_A_PERSON
from fedprotocol.files.private import create_private
from fedprotocol.journal import Journal, UpdateRecord
from support.evm import Anvil
from support.in_process_nodes import running, until
from support.live_federation import ETHER, LiveFederation
from support.sites import BIN, PASSWORD, Site, Sites, choices, environment
from support.tiny_model import TEMPLATE, colour_rows

CONFIRMATIONS = 3


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    """One site with a seat, in a federation whose learning rate is too small to change anything."""
    spec = {"training": {**choices().training.model_dump(), "learning_rate": 1e-12}}
    with Anvil("--block-time", "1") as chain:
        config = {"chain": {"confirmations": CONFIRMATIONS}}
        found = Sites(chain, tmp_path_factory.mktemp("bad-input"), 1, config=config, spec=spec, minClients=1)
        found.sites[0].command("join")
        found.joined_at = chain.web3.eth.block_number  # type: ignore[attr-defined]
        yield found
        found.stop()


@pytest.fixture
def site(sites: Sites) -> Site:
    return sites.sites[0]


def changed(site: Site, *pairs: tuple[str, str]) -> str:
    """Another config file beside the site's own."""
    text = site.config.read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    path = site.folder / "changed.toml"
    with create_private(path) as file:
        file.write(text.encode())
    return str(path)


def refused(site: Site, *command: str, said: str) -> None:
    done = site.command(*command, check=False)
    assert done.returncode in (1, FOR_A_PERSON), done.stdout + done.stderr
    assert said in done.stderr, done.stderr
    assert done.stderr.startswith("error: "), done.stderr
    assert "Traceback" not in done.stderr


def test_the_sender_waits_for_the_configs_confirmations(sites: Sites) -> None:
    [joined] = scan(sites.coordinator, 0, sites.joined_at, ("Joined",))  # type: ignore[attr-defined]
    assert sites.joined_at - joined.block >= CONFIRMATIONS  # type: ignore[attr-defined]


def test_a_key_without_seat_tokens_or_ether(sites: Sites, site: Site) -> None:
    account = keys.create(site.folder / "poor.json", PASSWORD, iterations=1024)
    config = changed(site, ("key.json", "poor.json"), ('home = "home"', 'home = "poor-home"'))
    refused(site, "run", "-c", config, said="take one with `fednode join`")
    refused(site, "join", "-c", config, said="has 0 FED: send it 1300 FED")
    refused(site, "exit", "-c", config, said="nothing to leave")
    sites.federation.mint(account.address, 2 * 10**21)
    refused(site, "join", "-c", config, said="has 0 ETH")
    sites.federation.chain.rpc("anvil_setBalance", account.address, hex(ETHER))
    refused(site, "join", "--stake", "999", "-c", config, said="a stake of 999 FED is too low")
    refused(site, "join", "--stake", "many", "-c", config, said="whole tokens")
    assert sites.coordinator.seat(account.address).stake == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "not one row"),
        ('{"prompt": "a rose"}\n', "line 1: has no completion"),
        ("{}", "line 1: has neither prompt and completion nor messages"),
    ],
)
def test_data_that_cannot_be_used(site: Site, content: str, said: str) -> None:
    (site.folder / "bad.jsonl").write_text(content)
    refused(site, "run", "-c", changed(site, ('"train.jsonl"', '"bad.jsonl"')), said=said)


@pytest.mark.parametrize(
    ("store", "said"),
    [("kubo:http://127.0.0.1:9", "start `ipfs daemon`"), ("dir:key.json", "key.json"), ("dir:empty", "spec publish")],
)
def test_a_store_that_is_not_there_or_has_no_spec(site: Site, store: str, said: str) -> None:
    text = site.config.read_text()
    peers = next(line for line in text.splitlines() if line.startswith("peers"))
    refused(site, "run", "-c", changed(site, ('"dir:store"', f'"{store}"'), (peers, "peers = []")), said=said)


def test_a_contract_that_disagrees_with_its_spec(sites: Sites, site: Site) -> None:
    layout = sites.spec.spec.layout
    other = LiveFederation(
        sites.federation.chain,
        leaf_count=layout.leaf_count,
        leaf_values=layout.leaf_values,
        genesisRoot=sites.spec.genesis.root,
        specDigest=sites.spec.digest,
        totalRounds=9,
    )
    config = changed(site, (sites.coordinator.address, other.coordinator.address))
    refused(site, "export", "--out", "adapter", "-c", config, said="total_rounds")
    assert not (site.folder / "adapter").exists()


def test_a_spec_of_other_bytes_is_not_taken(site: Site) -> None:
    shutil.copytree(site.folder.parent / "sponsor", site.folder / "forged")
    [block] = (site.folder / "forged" / "blocks").iterdir()
    block.chmod(0o600)
    block.write_bytes(block.read_bytes().replace(b"Colours", b"Colors "))
    text = site.config.read_text()
    peers = next(line for line in text.splitlines() if line.startswith("peers"))
    config = changed(site, ('"dir:store"', '"dir:new"'), (peers, 'peers = ["dir:forged"]'))
    done = site.command("doctor", "--json", "-c", config, check=False)
    assert done.returncode == 1
    assert {c["name"]: c["ok"] for c in json.loads(done.stdout)}["spec"] is False
    assert not list((site.folder / "new" / "blocks").iterdir())


def test_rows_that_are_too_long_are_counted_and_said(site: Site) -> None:
    rows = [{"prompt": "a rose " * 99, "completion": " red"}, {"prompt": "a rose", "completion": " red"}]
    (site.folder / "long.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = site.command("data", "check", "long.jsonl")
    assert "2 usable rows" in done.stdout
    assert "1 rows are longer than the sequence length" in done.stdout
    blind = site.command("data", "check", "long.jsonl", "-c", "none.toml")
    assert "not checked" in blind.stdout


def test_rows_cut_in_training_are_logged(sites: Sites, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    site = sites.sites[0]
    update = UpdateRecord(1, bytes(32), bytes(32), 3, 64, bytes(32), tmp_path / "x.car", 1_000_000, 500_000, 0)
    trained = Trained(update, 1.0, 0.5, 0, drawn=48, truncated=7, scaled=1.0, norm=0.5, seconds=2.0)
    snapshot = take_snapshot(sites.coordinator, site.account.address)
    with (
        Journal(tmp_path / "journal.sqlite") as journal,
        Session(load(site.config)) as session,
        running(session) as daemon,
        caplog.at_level(logging.INFO, "fednode"),
    ):
        tools = replace(daemon._tools, journal=journal, memory=Memory(journal))
        do.Train(1, bytes(32)).ended(tools, trained, snapshot)
        assert "7 of the 48 rows that were drawn are longer" in caplog.text
        caplog.clear()
        do.Train(1, bytes(32)).ended(tools, replace(trained, truncated=0), snapshot)
        assert "longer" not in caplog.text


def test_answers_of_no_class_are_refused_and_control_tokens_said(site: Site) -> None:
    """By `data check`, by doctor, and before a node trains on them."""
    rows = [{**row, "completion": row["completion"].strip()} for row in colour_rows(8)]
    rows[0] = {"prompt": "what does <|end|> mean", "completion": "white <|end|>"}
    (site.folder / "bare.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    checked = site.command("data", "check", "bare.jsonl", check=False).stdout
    wrong = "8 answers are none of the spec's classes, and would never count as right:"
    assert wrong in checked and "is the class ' white' without its leading space" in checked
    assert "the first row as the model sees it" in checked and ">>>white <|end|><|end|><<<" in checked
    assert "1 rows hold '<|end|>', a control token of the base model: it is read as the text it is" in checked
    config = changed(site, ('"train.jsonl"', '"bare.jsonl"'))
    said = {
        check["name"]: check for check in json.loads(site.command("doctor", "--json", "-c", config, check=False).stdout)
    }
    assert not said["data"]["ok"] and wrong in said["data"]["detail"]
    refused = site.command("run", "-c", config, check=False)
    assert refused.returncode == 78 and wrong in refused.stderr


def test_doctor_measures_all_of_a_round(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading, encoding what is drawn, every step, writing the update; and scoring the test rows. By a clock that only
    what is to be measured moves on."""
    from fednode import data
    from fednode.data.encode import Encoder
    from fedprotocol.files import tree_files

    clock = [0.0]

    def taking(seconds: float, function: Any) -> Any:
        def timed(*given: Any, **named: Any) -> Any:
            clock[0] += seconds
            return function(*given, **named)

        return timed

    monkeypatch.setattr(round_time, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(data, "load_data", taking(100.0, data.load_data))
    monkeypatch.setattr(tree_files, "save_car", taking(1000.0, tree_files.save_car))
    monkeypatch.setattr(Encoder, "example", taking(1.0, Encoder.example))
    with Session(load(site.config)) as session:
        training = session.spec.training.model_copy(update={"learning_rate": 5e-3, "steps": 3, "batch_size": 8})
        bounds = session.spec.bounds.model_copy(update={"max_norm": 1.0, "min_norm": 1e-6, "max_shift": 16})
        session.__dict__["spec"] = session.spec.model_copy(update={"training": training, "bounds": bounds})
        found = measured(session)
    read_encoded_written = 100 + 8 * (round_time.MEASURED_STEPS + 1) + 1000  # a batch more is encoded ahead
    assert read_encoded_written < found.train < read_encoded_written + 60, "and a third step in real seconds"
    assert (found.evaluate, found.rows) == (100 + 24, 24)
    assert str(found) == (
        "measured, from reading the rows to the encoded update it would take 18 min here, "
        "and 2 min to score 24 test rows"
    )


def test_doctor_has_a_line_for_a_fault_that_nobody_foresaw(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(round_time, "_training", lambda *_: [][384])
    with Session(load(site.config)) as session:
        found = {check.name: check for check in examine(session, site.config)}
    assert found["training"].ok is False
    assert found["training"].detail == "unexpected IndexError: list index out of range"
    assert found["monitor"].ok is True, "the others are looked at"


def test_spec_new_pins_the_commit_of_a_model_from_the_hub(sites: Sites, tmp_path: Path) -> None:
    """The hub's cache as huggingface_hub lays it out; nothing is fetched."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    cache = tmp_path / "hub" / "models--tests--tiny"
    shutil.copytree(sites.model, cache / "snapshots" / commit)
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text(commit)
    command = [str(BIN / "fednode"), "spec", "new", "--name", "x", "--base-model", "tests/tiny", "--rounds", "2"]
    done = subprocess.run(
        [*command, "--template", TEMPLATE, "--sequence-length", "32", "--out", "made", "--no-try", "--json"],
        cwd=tmp_path,
        env={**environment(), "HF_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "made" / "spec.json").read_text())["base_model"]["revision"] == commit
    assert json.loads(done.stdout)["spec_digest"].startswith("0x")


def test_a_fault_in_training_is_told_once_and_ends_the_tries(
    sites: Sites, site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As a library raises it, and the next try would again."""
    tries: list[int] = []

    def fails(*given: Any) -> None:
        tries.append(given[0].round)
        raise IndexError("index 384 is out of range")

    monkeypatch.setattr(Train, "train", fails)
    with Session(load(site.config)) as session, running(session) as daemon, caplog.at_level(logging.INFO, "fednode"):
        until(daemon, lambda action: isinstance(action, do.Wait) and action.cause is Cause.GIVEN_UP)
        end = time.monotonic() + 3
        until(daemon, lambda _: time.monotonic() > end)
    assert tries == [1, 1]
    assert [record.exc_info is not None for record in caplog.records if "unexpected" in record.message] == [True]
    assert caplog.text.count("IndexError: index 384 is out of range") == 1
    assert sites.coordinator.last_opened() == 0


def test_training_that_changes_nothing_is_said_and_nothing_is_sent(sites: Sites, site: Site) -> None:
    site.run()
    status = site.home / "status.json"
    sites.wait(lambda: status.exists() and "changed no weight" in status.read_text(), 120, "the problem")
    assert site.process is not None
    assert site.process.poll() is None, "it goes on: other rounds may have deadlines"
    assert "training for round 1: training changed no weight" in site.console()
    assert sites.coordinator.last_opened() == 0


def test_a_chain_that_goes_away_is_waited_for(sites: Sites, site: Site) -> None:
    """The last test here: the chain does not come back. The node of the test before still runs."""
    assert site.process is not None
    sites.federation.chain.__exit__()
    sites.wait(lambda: "no RPC endpoint answers" in site.console(), 120, "the problem")
    assert site.process.poll() is None
    site.process.terminate()
    assert site.process.wait(20) == 0
    refused(site, "rounds", said="no RPC endpoint answers")
