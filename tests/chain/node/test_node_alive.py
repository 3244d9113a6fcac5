"""Two real nodes on a real chain. One is killed -9 whenever a transaction of it is on its way, and started again; then
both go on to a second round, which begins ahead of the first one's global. At the end nobody has paid a penalty, and
everything an operator looks at is there."""

from __future__ import annotations

import json
import re
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from fedaggregator.compute.merge import Contribution, merge
from fedaggregator.rules import rule_named
from fedlab.experiment.federated import in_integers
from fedlab.experiment.members import Member
from fednode.cli.app import app
from fednode.data import load_data
from fednode.policy.entries import Told
from fednode.policy.log import Log
from fednode.training import AdapterModel
from fednode.training.optimizers import FACTORED
from fedprotocol.chain.abi import load
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.events import scan
from fedprotocol.errors import FOR_A_PERSON
from fedprotocol.files.tree_files import open_car
from fedprotocol.journal import Journal
from fedprotocol.tree import TreeShape
from fedprotocol.types import Phase
from support import programs
from support.evm import Anvil
from support.hub_uploads import TOKEN, upload_hub
from support.ports import free_port
from support.scrape import answers, figures, health
from support.sites import PASSWORD, Site, Sites, choices, environment
from support.tiny_model import build_tiny_model
from typer.testing import CliRunner

PORT = free_port()  # of site 1's monitor
KILLED_AFTER = ("commit", "reveal", "attest", "propose")
ROUNDS = 2
PATIENCE = 240.0  # seconds; the machine may be busy


def stake_of_a_site(coordinator: Coordinator) -> int:
    """The least stake, and room for three penalties: what `join` locks by default."""
    terms = coordinator.config()
    return terms.min_stake + 3 * terms.penalty


def on_its_way(sites: Sites, site: Site, call: str) -> bool:
    """Whether a transaction of `site` that makes this call is in the node's pool or in a block."""
    chain = sites.federation.chain
    contract = chain.web3.eth.contract(address=sites.coordinator.address, abi=load("coordinator"))
    pool = chain.rpc("txpool_content")["pending"]
    sent = [tx for by_nonce in pool.values() for tx in by_nonce.values()]
    sent += chain.rpc("eth_getBlockByNumber", "latest", True)["transactions"]
    own = [tx for tx in sent if (tx["from"], tx["to"]) == (site.account.address.lower(), contract.address.lower())]
    return any(contract.decode_function_input(tx["input"])[0].fn_name == call for tx in own)


def modes(folder: Path) -> set[int]:
    """Of a folder, and of all files in it."""
    found = [folder, *folder.iterdir()]
    assert len(found) > 1
    return {stat.S_IMODE(path.stat().st_mode) for path in found}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    """A federation of two rounds under a rule that keeps a state, of which site 0 lived through the first with four
    kills."""
    options = {"rounds": ROUNDS, "optimizer": FACTORED, "rate_ratio_b": 2.0, "look_ahead": 0.5}
    with Anvil("--block-time", "1") as chain:
        spec = {"training": {**choices().training.model_dump(), **options}, "rule": "fedavgm"}
        config = {"node": {"propose_after": 600}}
        sites = Sites(chain, tmp_path_factory.mktemp("alive"), 2, config=config, spec=spec)
        first = sites.sites[0]
        text = first.config.read_text()
        text = text.replace("propose_after = 600", "propose_after = 1")
        first.config.write_text(text.replace('test = "test.jsonl"\n', ""))  # or it would load torch after every kill
        with sites.sites[1].config.open("a") as other:
            other.write(f"[monitor]\nport = {PORT}\n")
        try:
            for site in sites.sites:
                site.command("join")
            first.run()
            there = first.folder / "store/trees"  # its store is asked after once a minute, first when the other begins
            sites.wait(there.is_dir, PATIENCE, "its store")
            sites.sites[1].run("--log-format", "json")
            for call in KILLED_AFTER:
                sites.wait(lambda call=call: on_its_way(sites, first, call), PATIENCE, call)
                first.kill()
                sites.wait(lambda: answers(PORT), PATIENCE, "the other's monitor")  # it may still be starting
                sites.figures, sites.health = figures(PORT), health(PORT)  # type: ignore[attr-defined]
                first.run()
            sites.wait(
                lambda: all(s.process and s.process.poll() is not None for s in sites.sites), PATIENCE, "the end"
            )
            yield sites
        finally:
            sites.stop()


def test_what_a_round_paid_is_what_the_contract_paid(finished: Sites) -> None:
    coordinator, site = finished.coordinator, finished.sites[1]
    events = list(scan(coordinator, 0, coordinator.web3.eth.block_number))
    rewards = {
        e.args["round"]: e.args["amount"]
        for e in events
        if e.name == "Rewarded" and e.args["client"] == site.account.address
    }
    unit = 10 ** coordinator.token.decimals()
    written = {entry["round"]: entry["payout"] for entry in site.metrics("settled.jsonl")}
    assert rewards and written == {number: amount / unit for number, amount in rewards.items()}


def test_nobody_paid_a_penalty_and_the_rounds_are_final(finished: Sites) -> None:
    coordinator = finished.coordinator
    for number in (1, ROUNDS):
        view = coordinator.round_view(number)
        assert view.phase is Phase.FINAL
        assert view.accepted_mask == 0b11
        assert all(update.attested for update in coordinator.updates(number))
    events = list(scan(coordinator, 0, coordinator.web3.eth.block_number))
    assert "Penalized" not in {event.name for event in events}
    for site in finished.sites:
        assert coordinator.seat(site.account.address).stake == stake_of_a_site(coordinator)
        assert coordinator.owed(site.account.address) == 0, "claimed at the end"
        assert site.process is not None
        assert site.process.returncode == 0, site.console()


def test_updates_are_private_until_they_are_published(finished: Sites) -> None:
    for site in finished.sites:
        assert modes(site.home / "updates") == {0o700, 0o600}
        assert stat.S_IMODE((site.home / "journal.sqlite").stat().st_mode) == 0o600
        assert all(path.stat().st_mode & stat.S_IROTH for path in (site.folder / "store/trees").iterdir())


def test_the_other_site_was_watched_to_the_end_of_the_first_round(finished: Sites) -> None:
    status, document = finished.health  # type: ignore[attr-defined]
    assert (status, document["why"]) == (200, [])
    found = finished.figures  # type: ignore[attr-defined]
    steps = [
        line.split(",")[1]
        for number in (1, ROUNDS)
        for line in (finished.sites[1].home / f"metrics/round_{number}.csv").read_text().splitlines()[1:]
    ]
    assert found["fed_training_loss"] in [pytest.approx(float(loss)) for loss in steps[2:]]  # the second has begun
    scored = finished.sites[1].metrics("rounds.jsonl")
    assert found["fed_global_loss"] in [pytest.approx(record["loss"]) for record in scored]
    assert found["fed_stake_tokens"] == stake_of_a_site(finished.coordinator) / 10**18
    assert found["fed_round"] in (1, ROUNDS) and found["fed_recomputations_total"] == 1
    assert found["fed_peers"] == 2, "the sponsor's store and the other site's"
    assert found["fed_gas_total"] > 0 and found["fed_fetched_bytes_total"] > 0
    assert found["fed_mismatches_total"] == 0


def test_the_other_sites_console_is_json(finished: Sites) -> None:
    lines = [json.loads(line) for line in finished.sites[1].console().splitlines()]
    assert all(set(line) >= {"time", "level", "logger", "message"} for line in lines)
    assert {line["level"] for line in lines} <= {"info", "warning"}
    trained = [line for line in lines if "trained in" in line["message"]]
    assert [(line["logger"], line["level"]) for line in trained] == [("fednode", "info")] * ROUNDS
    [last] = lines[-1:]
    assert (last["message"], last["round"], last["phase"]) == ("the federation is complete", ROUNDS, "final")
    kept = (finished.sites[1].home / "logs/fednode.log").read_text()
    assert " INFO    round 1: trained in" in kept, "the file is for people"


def test_neither_password_nor_key_is_in_any_file_that_was_written(finished: Sites) -> None:
    for site in finished.sites:
        key = site.account.key
        written = [file for file in site.home.rglob("*") if file.is_file()] + [site.folder / "console.txt"]
        assert {"fednode.log", "journal.sqlite", "status.json", "console.txt"} <= {file.name for file in written}
        for file in written:
            content = file.read_bytes()
            for secret in (PASSWORD.encode(), bytes(key), key.hex().removeprefix("0x").encode()):
                assert secret not in content, file


def test_it_committed_once_and_revealed_what_it_had_committed_to(finished: Sites) -> None:
    coordinator, address = finished.coordinator, finished.sites[0].account.address
    events = [e for e in scan(coordinator, 0, coordinator.web3.eth.block_number) if e.args.get("client") == address]
    sent = [e.name for e in events if e.name in ("Committed", "Revealed", "Attested")]
    assert sent == ["Committed", "Revealed", "Attested"] * ROUNDS


def test_both_recomputed_the_global_and_one_scored_it(finished: Sites) -> None:
    views = {str(number): finished.coordinator.round_view(number) for number in (1, ROUNDS)}
    records = {record["round"]: record for record in finished.sites[1].metrics("rounds.jsonl")}
    assert set(records) == {0, 1, ROUNDS}
    for number in (1, ROUNDS):
        assert records[number]["global_root"] == "0x" + views[str(number)].global_root.hex()
        assert records[number]["recomputed"] is True
    assert records[1]["items"] == 24
    assert set(records[1]["by_domain"]) == {"warm", "cold"}
    for site in finished.sites:
        with Journal(site.home / "journal.sqlite", read_only=True) as journal:
            found = journal.recall("recomputed")
        assert found == {number: {view.inputs: view.global_root.hex()} for number, view in views.items()}
        steps = (site.home / "metrics/round_1.csv").read_text().splitlines()
        assert steps[0] == "step,loss,lr,tokens,seconds"
        assert len(steps) == 1 + 3


def test_audit_writes_a_bundle_that_recomputes(finished: Sites, tmp_path: Path) -> None:
    site, out = finished.sites[1], tmp_path / "bundle"
    said = json.loads(site.command("audit", "1", "--out", str(out), "--json").stdout)
    assert said["right"] is True
    assert {file.name for file in out.iterdir()} == {
        *("round.json", "prior.car", "global.car", "update-0.car", "update-1.car")
    }
    described = json.loads((out / "round.json").read_text())
    assert list(described) == [
        *("chain_id", "contract", "rule", "round", "prior_root", "global_root", "leaf_values", "value_count"),
        *("mantissa_bits", "server_lr", "updates"),
    ]
    assert list(described["updates"][0]) == ["index", "client", "root", "weight", "shift", "accepted"]
    # Recomputed here from the files and round.json alone.
    leaves = -(-described["value_count"] // described["leaf_values"])
    small = TreeShape(leaves, described["leaf_values"] * described["mantissa_bits"] // 8)
    rule = rule_named(described["rule"])
    large = TreeShape(leaves * rule.parts, described["leaf_values"] * 4)
    updates = [
        Contribution(open_car(out / f"update-{u['index']}.car", _bytes(u["root"]), small), u["weight"], u["shift"])
        for u in described["updates"]
        if u["accepted"]
    ]
    prior = open_car(out / "prior.car", _bytes(described["prior_root"]), large)
    merged = merge(rule, prior, updates, described["mantissa_bits"], described["server_lr"], tmp_path / "merged")
    assert merged.root == _bytes(described["global_root"])
    again = site.command("audit", "1", "--out", str(out), check=False)
    assert again.returncode == 1
    assert "not an empty folder" in again.stderr
    missing = site.command("audit", "9", "--out", str(tmp_path / "none"), check=False)
    assert missing.returncode == 1
    assert "there is no round 9" in missing.stderr


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def test_rounds_and_status_tell_the_same_story(finished: Sites) -> None:
    site = finished.sites[0]
    entries = json.loads(site.command("rounds", "--json").stdout)
    told = [(entry["round"], entry["phase"], entry["accepted"], entry["attested"]) for entry in entries]
    assert told == [(number, "final", 2, 2) for number in (1, ROUNDS)]
    assert "final" in site.command("rounds").stdout
    status = site.command("status", "--json", check=False)
    assert status.returncode == 1, "the node is not running any more"
    said = json.loads(status.stdout)
    assert said["running"] is False
    assert said["activity"] == "the federation is complete"
    assert said["chain"]["final_rounds"] == ROUNDS


def doctor(site: Site) -> dict[str, dict[str, Any]]:
    done = site.command("doctor", "--json", check=False)
    return {check["name"]: check for check in json.loads(done.stdout)}


def test_doctor_knows_how_long_training_takes(finished: Sites) -> None:
    """From the journal, or from a few steps."""
    site = finished.sites[0]
    found = doctor(site)
    assert [name for name, check in found.items() if not check["ok"]] == ["seat"], "the federation is complete"
    assert "the last one took" in found["training"]["detail"]
    text = site.config.read_text()
    site.config.write_text(text.replace('home = "home"', 'home = "another home"'))
    try:
        found = doctor(site)
    finally:
        site.config.write_text(text)
    assert found["training"]["ok"] and "measured" in found["training"]["detail"]


def test_doctor_finds_another_model(finished: Sites) -> None:
    site = finished.sites[0]
    other = build_tiny_model(finished.folder / "another", seed=1)
    text = site.config.read_text()
    site.config.write_text(text.replace(str(finished.model), str(other)))
    try:
        found = doctor(site)
    finally:
        site.config.write_text(text)
    assert found["model"]["ok"] is False and "digest" in found["model"]["detail"]
    assert found["model"]["fix"] == "${EDITOR:-vi} fednode.toml  # [model] source"
    assert found["training"] == {"name": "training", "ok": None, "detail": "needs: model", "fix": ""}


def test_a_second_process_on_the_same_journal_is_refused(finished: Sites) -> None:
    site = finished.sites[0]
    with Journal(site.home / "journal.sqlite"):
        done = site.command("run", check=False)
    assert done.returncode == 1
    assert "in use by another process" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("chain_id = 31337", "chain_id = 1", "serves chain 31337"),
        ('coordinator = "0x', 'coordinator = "0x', "no contract"),
    ],
)
def test_the_wrong_chain_or_contract_is_named(finished: Sites, old: str, new: str, said: str) -> None:
    site = finished.sites[0]
    text = site.config.read_text()
    changed = text.replace(old, new) if old != new else text.replace(finished.coordinator.address, "0x" + 40 * "1")
    site.config.write_text(changed)
    try:
        done = site.command("run", check=False)
    finally:
        site.config.write_text(text)
    assert done.returncode == (FOR_A_PERSON if "serves chain" in said else 1)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_other_programs_ask_its_model(finished: Sites, tmp_path: Path) -> None:
    site = finished.sites[1]
    with (tmp_path / "console").open("w+") as console:
        served = programs.start(["fednode", "serve", "--port", "0"], site.folder, environment(), console, console)
        try:
            found = None
            while found is None:
                assert served.poll() is None, (tmp_path / "console").read_text()
                time.sleep(0.1)
                found = re.search(r"(http://127\.0\.0\.1:\d+/v1) answers", (tmp_path / "console").read_text())
            asked = {"model": finished.spec.spec.name, "prompt": "a small rose", "max_tokens": 8}
            said = requests.post(f"{found[1]}/completions", json=asked, timeout=PATIENCE).json()
        finally:
            served.send_signal(signal.SIGINT)
            assert served.wait(PATIENCE) == 0
    generated = site.command("generate", "a small rose", "--max-new-tokens", "8").stdout
    assert said["choices"][0]["text"] == generated.strip()
    assert said["system_fingerprint"].startswith(f"round-{ROUNDS}-")


def test_its_model_goes_to_a_hub_and_its_score_into_the_log(finished: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    site = finished.sites[1]
    (site.folder / "token").write_text(TOKEN)
    (site.folder / "token").chmod(0o600)
    words = ["push", "somebody/colours", "--score", "--token-file", str(site.folder / "token")]
    with upload_hub(monkeypatch) as hub:
        result = CliRunner().invoke(app, [*words, "--config", str(site.config)])
        assert result.exit_code == 0, (result.output, result.exception)
        card = hub.repositories["somebody/colours"]["README.md"].decode()
    [scored] = [record for record in site.metrics("rounds.jsonl") if record["round"] == ROUNDS]
    assert f"{scored['loss']:.3f}" in card
    told = [line.entry for line in Log(site.home / "policy-log.jsonl").read().lines if isinstance(line.entry, Told)]
    assert [(entry.to, entry.scored) for entry in told] == [("hub:somebody/colours", (ROUNDS,))]


def test_exit_takes_back_the_stake(finished: Sites) -> None:
    """The last word: the seat is gone afterwards."""
    site, token = finished.sites[0], finished.federation.token
    before = token.functions.balanceOf(site.account.address).call()
    done = site.command("exit")
    assert "took back" in done.stdout
    stake = stake_of_a_site(finished.coordinator)
    assert token.functions.balanceOf(site.account.address).call() == before + stake


def test_an_experiment_gives_the_bits_of_the_chain(finished: Sites) -> None:
    """What `fedlab experiment` computes without chain, store or nodes is what these nodes agreed on."""
    spec = finished.spec.spec
    members = {
        str(index): Member(load_data(site.folder / "train.jsonl"), seed=index)
        for index, site in enumerate(finished.sites)
    }
    model = AdapterModel.load(spec, str(finished.model), "cpu", threads=1)
    genesis = spec.layout.weights(finished.spec.genesis)
    swept = [one.root for one in in_integers(model, spec, genesis, members)]
    assert swept == [finished.coordinator.round_view(number).global_root for number in (1, ROUNDS)]
    beside = spec.model_copy(update={"training": spec.training.model_copy(update={"look_ahead": 0.0})})
    first, second = (one.root for one in in_integers(model, beside, genesis, members))
    assert first == swept[0] and second != swept[1], "the second round began ahead"
