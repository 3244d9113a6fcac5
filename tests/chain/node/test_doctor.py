"""The mistakes that are made around a node, each made once: doctor finds it and names the command that repairs it."""

from __future__ import annotations

import io
import json
import logging
import os
import shlex
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_account import Account
from fednode.cli.app import app
from fednode.config import load
from fednode.daemon.status import Status
from fednode.doctor import CHECKS, examine
from fednode.session import Session
from fedprotocol.chain.account.keys import PASSWORD_VARIABLE
from fedprotocol.journal import Journal
from fedprotocol.program.doctor import CheckResult
from fedprotocol.program.status import StatusFile
from fedprotocol.store.kubo_daemon import KuboDaemon
from huggingface_hub import snapshot_download
from support.deployed import give
from support.evm import ROOT, Anvil
from support.hub import hub
from support.kubo import BINARY, needs_kubo
from support.live_federation import ETHER, TOKEN, LiveFederation
from support.node_kinds import MISSING, NODES, free, legacy, node, result, without
from support.operators import operator, published
from support.sites import PASSWORD, Site
from support.synthetic import SyntheticClient
from typer.testing import CliRunner

NOBODY = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil("--block-time", "1", "--mixed-mining") as anvil:
        yield anvil


@pytest.fixture(scope="module")
def sponsor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sponsor")


@pytest.fixture(scope="module")
def federation(chain: Anvil, sponsor: Path) -> LiveFederation:
    return published(chain, sponsor)


@pytest.fixture(scope="module")
def seated(federation: LiveFederation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SyntheticClient]:
    client = SyntheticClient(federation, tmp_path_factory.mktemp("client"), seed=1)
    client.join()
    yield client
    client.close()


@pytest.fixture
def site(federation: LiveFederation, sponsor: Path, seated: SyntheticClient, tmp_path: Path) -> Site:
    """The folder of an account with a seat, all of it right but for the base model, which nobody has."""
    return operator(tmp_path / "a site", federation, seated.account, sponsor)


@pytest.fixture
def stranger(federation: LiveFederation, sponsor: Path, tmp_path: Path) -> Site:
    """The same for an account with money and without a seat."""
    return operator(tmp_path / "stranger", federation, federation.new_account(), sponsor)


def edit(site: Site, old: str, new: str) -> None:
    text = site.config.read_text()
    assert old in text
    site.config.write_text(text.replace(old, new))


def look(site: Site, name: str) -> CheckResult:
    """What doctor says about one thing; what comes after it is not looked at."""
    with Session(load(site.config)) as session:
        return next(check for check in examine(session, site.config) if check.name == name)


def found(site: Site, name: str, *words: str, fix: str) -> str:
    """Doctor finds the mistake and says so in `words`; returns the whole command, which begins with `fix`."""
    check = look(site, name)
    assert check.ok is False, check
    for word in words:
        assert word in check.detail, check
    assert check.fix.startswith(fix), check
    assert shlex.split(check.fix, comments=True), "a command line for a shell"
    return check.fix


def editor(site: Site, key: str) -> str:
    return f"${{EDITOR:-vi}} {shlex.quote(str(site.config))}  # {key}"


def fednode(site: Site, *words: str) -> str:
    return f"fednode {' '.join(words)} -c {shlex.quote(str(site.config))}"


def follow(command: str) -> None:
    """Do what doctor says: in a shell, or in this process where it is a command of the node."""
    program, *words = shlex.split(command, comments=True)
    if program == "fednode":
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, (done.output, done.exception)
    else:
        subprocess.run(command, shell=True, check=True)  # noqa: S602 - it is what an operator does


def test_a_site_with_nothing_wrong_but_the_model(site: Site) -> None:
    with Session(load(site.config)) as session:
        checks = list(examine(session, site.config))
    assert [check.name for check in checks] == [each.name for each in CHECKS]
    assert [check for check in checks if check.ok is False] == []
    by_name = {check.name: check.detail for check in checks}
    assert "tiny will be fetched from the hub" in by_name["model"]
    assert by_name["training"] == "not measured before the base model is here"


def test_a_node_of_the_chain_that_lacks_what_a_conviction_takes(site: Site, federation: LiveFederation) -> None:
    with node(federation.chain.url, without(MISSING, "eth_getLogs")) as proxy:
        edit(site, federation.chain.url, proxy.url)
        found(site, "needs", "logs of a range of blocks", "does not exist", fix=editor(site, "[chain] rpc"))


def test_what_is_done_without(site: Site, federation: LiveFederation) -> None:
    with NODES["does not estimate"](federation.chain.url) as proxy:
        edit(site, federation.chain.url, proxy.url)
        check = look(site, "needs")
    assert check.ok
    assert "not served: eth_estimateGas with 128 KiB, convictions are given an upper bound of gas" in check.detail


def test_what_confirmations_mean(site: Site) -> None:
    assert "as is usual on a development chain" in look(site, "depth").detail
    edit(site, "chain_id = 31337", "chain_id = 1")
    assert "about 36 s on Ethereum" in look(site, "depth").detail
    edit(site, "chain_id = 1", "confirmations = 0\nchain_id = 1")
    assert "as the config file says: every block counts as final" in look(site, "depth").detail


@pytest.mark.parametrize(
    ("old", "new", "words", "key"),
    [
        ("{url}", NOBODY, ("no RPC endpoint answers", "127.0.0.1:9"), "[chain] rpc"),
        ("chain_id = 31337", "chain_id = 1", ("serves chain 31337",), "[chain] chain_id"),
        ("{coordinator}", "0x" + 40 * "9", ("no contract at",), "[chain] coordinator"),
        ("{coordinator}", "{token}", ("no FederationCoordinator",), "[chain] coordinator"),
    ],
    ids=["rpc", "chain-id", "no-contract", "another-contract"],
)
def test_the_wrong_chain(
    site: Site, federation: LiveFederation, old: str, new: str, words: tuple[str], key: str
) -> None:
    names = {
        "url": federation.chain.url,
        "coordinator": federation.coordinator.address,
        "token": federation.token.address,
    }
    edit(site, old.format(**names), new.format(**names))
    found(site, "chain", *words, fix=editor(site, key))


def test_a_chain_whose_newest_block_is_old(sponsor: Path, tmp_path: Path) -> None:
    with Anvil("--timestamp", str(int(time.time()) - 7200)) as behind:
        federation = published(behind, sponsor)
        site = operator(tmp_path / "site", federation, federation.new_account(), sponsor)
        found(site, "clock", "the newest block is 2 h old", "timedatectl", fix=editor(site, "[chain] rpc"))
        federation.pass_time(5 * 3600)
        found(site, "clock", "clock is 2 h behind the chain's time", fix="sudo timedatectl set-ntp true")


@pytest.mark.parametrize("kind", ["says null of pending", "refuses what is pending"])
def test_the_newest_block_will_do_for_the_one_being_made(site: Site, federation: LiveFederation, kind: str) -> None:
    with NODES[kind](federation.chain.url) as proxy:
        edit(site, federation.chain.url, proxy.url)
        assert {look(site, name).ok for name in ("clock", "needs", "funds", "seat")} == {True}


@pytest.mark.parametrize("said", [MISSING, 504])
def test_a_node_that_does_not_say_whether_it_syncs_nor_what_it_is(
    site: Site, federation: LiveFederation, said: object
) -> None:
    with node(federation.chain.url, without(said, "eth_syncing", "web3_clientVersion")) as proxy:
        edit(site, federation.chain.url, proxy.url)
        assert look(site, "clock").ok


@pytest.mark.parametrize(
    ("progress", "words"), [({"currentBlock": "0x7"}, "syncs, at block 7"), ({"startingBlock": "0x1"}, "still syncs")]
)
def test_a_node_that_syncs(site: Site, federation: LiveFederation, progress: object, words: str) -> None:
    with node(federation.chain.url, result(progress, "eth_syncing")) as proxy:
        edit(site, federation.chain.url, proxy.url)
        found(site, "clock", words, fix=editor(site, "[chain] rpc"))


def test_no_key(site: Site) -> None:
    (site.folder / "key.json").unlink()
    follow(found(site, "account", "there is no keystore", fix=fednode(site, "account", "new")))
    assert look(site, "account").ok


def test_a_wrong_password_or_none(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    password = site.folder / "password.txt"
    password.write_text("another password")
    found(site, "account", "wrong password", fix=f"${{EDITOR:-vi}} {shlex.quote(str(password))}")
    edit(site, 'password_file = "password.txt"\n', "")
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    found(site, "account", "no password", fix=editor(site, "[account] password_file"))


@pytest.mark.parametrize("name", ["password.txt", "key.json"])
def test_secrets_that_others_may_read(site: Site, name: str) -> None:
    secret = site.folder / name
    secret.chmod(0o644)
    follow(found(site, "account", f"others may read {secret}", fix="chmod 600 "))
    assert look(site, "account").ok
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_no_ether_and_no_tokens(federation: LiveFederation, sponsor: Path, tmp_path: Path) -> None:
    poor = Account.create()
    site = operator(tmp_path / "site", federation, poor, sponsor)
    show = fednode(site, "account", "show")
    fix = found(site, "funds", "lacks ether for transactions and 1300 FED for its stake", fix=show)
    assert f"send this address to the sponsor, who runs `fednode federation faucet {poor.address}`" in fix
    follow(fix)
    give(federation.chain, poor, 1)
    found(site, "funds", "lacks ether for transactions (it has <0.0001 ETH, and taking a seat", fix=show)
    give(federation.chain, poor, ETHER)
    found(site, "funds", "lacks 1300 FED", fix=show)
    federation.mint(poor.address, 1300 * TOKEN)
    assert look(site, "funds").ok


def test_no_ether_where_gas_is_free(federation: LiveFederation, sponsor: Path, tmp_path: Path) -> None:
    poor = Account.create()
    site = operator(tmp_path / "site", federation, poor, sponsor)
    federation.mint(poor.address, 1300 * TOKEN)
    with node(federation.chain.url, lambda asked: free(asked) or legacy(asked)) as proxy:
        edit(site, federation.chain.url, proxy.url)
        assert look(site, "funds").ok


def test_no_seat(stranger: Site) -> None:
    follow(found(stranger, "seat", "no seat yet", fix=fednode(stranger, "join")))
    assert look(stranger, "seat").ok


def test_a_token_that_refuses_in_words_of_its_own(stranger: Site, federation: LiveFederation) -> None:
    """What is not approved yet is underflow to some tokens; only the coordinator's refusals mean no seat."""
    join = federation.coordinator.calls.join(0).selector
    panic = {"code": 3, "message": "execution reverted", "data": "0x4e487b71" + (0x11).to_bytes(32).hex()}
    refusing = lambda a: panic if a["method"] == "eth_call" and str(a["params"]).count(join) else None  # noqa: E731
    with node(federation.chain.url, refusing) as proxy:
        edit(stranger, federation.chain.url, proxy.url)
        found(stranger, "seat", "no seat yet", fix=fednode(stranger, "join"))


def test_a_federation_that_does_not_admit_the_account(chain: Anvil, tmp_path: Path) -> None:
    gate = chain.deploy("AllowlistGate", chain.accounts[0], [chain.accounts[1]])
    federation = published(chain, tmp_path / "sponsor", gate=gate.address)
    site = operator(tmp_path / "site", federation, federation.new_account(), tmp_path / "sponsor")
    show = found(site, "seat", "does not admit", gate.address, fix=fednode(site, "account", "show"))
    assert "sponsor" in show
    federation.transact(gate.functions.setAllowed([site.account.address], True))
    found(site, "seat", "no seat yet", fix=fednode(site, "join"))


def test_a_federation_that_is_full_and_one_that_is_over(chain: Anvil, tmp_path: Path) -> None:
    federation = published(chain, tmp_path / "sponsor", minClients=1, maxClients=1)
    client = SyntheticClient(federation, tmp_path / "client", seed=1)
    client.join()
    client.close()
    site = operator(tmp_path / "site", federation, federation.new_account(), tmp_path / "sponsor")
    found(site, "seat", "all 1 seats are taken", fix=fednode(site, "rounds"))
    federation.transact(federation.coordinator.calls.close())
    found(site, "seat", "the sponsor closed the federation", fix=editor(site, "[chain] coordinator"))


def test_a_suspended_seat(chain: Anvil, tmp_path: Path) -> None:
    """Suspended as it happens: a commitment that nobody revealed."""
    federation = published(chain, tmp_path / "sponsor", minClients=1)
    client = SyntheticClient(federation, tmp_path / "client", seed=1)
    client.join()
    client.commit(1, federation.genesis.root)
    client.close()
    federation.pass_time(601)
    federation.transact(federation.coordinator.calls.settle(client.address))
    site = operator(tmp_path / "site", federation, client.account, tmp_path / "sponsor")
    follow(found(site, "seat", "suspended: the stake is 900 FED of 1000 FED", fix=fednode(site, "join")))
    assert look(site, "seat").ok


def test_a_store_that_is_not_there(site: Site) -> None:
    edit(site, '"dir:store"', '"kubo:http://127.0.0.1:9"')
    text = site.config.read_text()
    peers = next(line for line in text.splitlines() if line.startswith("peers"))
    edit(site, peers, "peers = []")
    found(site, "store", "no Kubo answers", fix="ipfs daemon")
    edit(site, '"kubo:http://127.0.0.1:9"', '"dir:key.json"')
    found(site, "store", "cannot be used", fix=editor(site, "[store] url"))


def test_nobody_to_read_from(site: Site, sponsor: Path) -> None:
    edit(site, str(sponsor), str(sponsor / "elsewhere"))
    found(site, "peers", "0 of 1 peers can be read", "there is no store in", fix=editor(site, "[store] peers"))
    found(site, "spec", "nobody has", "the sponsor publishes it", fix=editor(site, "[store] peers"))


def test_a_home_that_cannot_be_written(site: Site) -> None:
    site.home.parent.mkdir(exist_ok=True)
    edit(site, 'home = "home"', f'home = "{site.config.name}/home"')
    found(site, "home", "nothing can be written at", "Not a directory", fix=editor(site, "home: a folder"))


@needs_kubo
def test_a_kubo_that_is_connected_to_nobody(site: Site) -> None:
    text = site.config.read_text()
    gone = "/ip4/127.0.0.1/tcp/9/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"
    with KuboDaemon(BINARY, site.folder / "own") as own:
        edit(site, '"dir:store"', f'"kubo:{own.url}"')
        edit(site, next(line for line in text.splitlines() if line.startswith("peers")), f'peers = ["{gone}"]')
        assert look(site, "store").ok
        found(site, "peers", "connected to nobody", fix=f"ipfs swarm connect {gone}")
        with KuboDaemon(BINARY, site.folder / "other") as other:
            own.connect([other])
            assert look(site, "peers") == CheckResult(
                "peers", True, "1 can be read from; nobody else announces where content is served"
            )


@pytest.mark.parametrize(
    ("content", "words", "command"),
    [
        (None, "there is no data file", "${EDITOR:-vi}"),
        ("", "not one row", "fednode data check"),
        ('{"prompt": "a rose"}\n', "line 1: has no completion", "fednode data check"),
    ],
    ids=["missing", "empty", "a-bad-row"],
)
def test_data_that_cannot_be_used(site: Site, content: str | None, words: str, command: str) -> None:
    rows = site.folder / "train.jsonl"
    rows.unlink() if content is None else rows.write_text(content)
    found(site, "data", words, fix=command)


def test_a_disk_that_is_too_small(chain: Anvil, tmp_path: Path) -> None:
    """For a federation of so many rounds, all of which are to be kept, every disk is."""
    rounds = 2**31 - 1
    federation = published(chain, tmp_path / "sponsor", totalRounds=rounds)
    tables = {"node": {"keep_rounds": rounds}}
    site = operator(tmp_path / "site", federation, federation.new_account(), tmp_path / "sponsor", **tables)
    found(site, "disk", "GiB free", f"{rounds} rounds take", fix=editor(site, "[node] keep_rounds"))


def test_no_model(site: Site) -> None:
    with site.config.open("a") as config:
        config.write('[model]\nsource = "/nowhere"\n')
    found(site, "model", "there is no such folder", fix=editor(site, "[model] source"))


def test_a_model_that_is_another(site: Site, tiny_folder: Path) -> None:
    with site.config.open("a") as config:
        config.write(f"[model]\nsource = {json.dumps(str(tiny_folder))}\n")
    said = "is not the base model that the federation trains, tiny", "hidden_size is not set in the spec's model, 64 in"
    found(site, "model", *said, fix=editor(site, "[model] source"))


def test_a_part_of_a_model(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """That the hub's cache has: the rest comes with the first run, which checks it."""
    with hub(monkeypatch, tmp_path / "cache", "tiny", {"config.json": b"{}"}) as serving:
        snapshot_download("tiny")
        serving.fetched.clear()
        said = look(site, "model")
        assert said.ok and "only a part of it is in the hub's cache here" in said.detail, said
        assert serving.fetched == []


@pytest.fixture
def holder(site: Site) -> Iterator[subprocess.Popen[str]]:
    """Another process with the journal of this home."""
    script = "import sys; from pathlib import Path; from fedprotocol.journal import Journal\n"
    script += "with Journal(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", script, str(site.home / "journal.sqlite")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_another_process_holds_the_journal(site: Site, holder: subprocess.Popen[str]) -> None:
    follow(found(site, "home", "in use by another process", fix=f"kill {holder.pid}"))
    assert holder.wait(timeout=20) == -signal.SIGTERM
    assert look(site, "home").ok


def test_the_node_itself_may_hold_it(site: Site, holder: subprocess.Popen[str]) -> None:
    values = {"pid": holder.pid, "account": "", "round": 0, "phase": "none", "activity": "", "then": "", "since": 0}
    StatusFile(site.home / "status.json", logging.getLogger()).write(Status(**values, until=0, chain_time=0, updated=0))
    check = look(site, "home")
    assert check.ok and check.detail == f"the node is running (pid {holder.pid})"


def test_a_journal_of_another_federation(site: Site) -> None:
    with Journal(site.home / "journal.sqlite") as journal:
        journal.bind(5, "0x" + 40 * "1", site.account.address)
    found(site, "home", "belongs to chain 5", fix=editor(site, "home"))


def test_what_others_may_read_and_should_not(site: Site) -> None:
    assert look(site, "private").ok
    for path in (site.config, site.home / "updates" / "round_1-ab.car", site.home / "solo" / "round_1.npy"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        path.chmod(0o644)
    fix = found(site, "private", "others may read", "fednode.toml", "updates", fix="chmod -R go= ")
    assert "round_1" not in fix, "it goes with its folder"
    follow(fix)
    assert look(site, "private").ok
    assert stat.S_IMODE((site.home / "updates" / "round_1-ab.car").stat().st_mode) == 0o600


def test_training_that_takes_longer_than_train(site: Site) -> None:
    with Journal(site.home / "journal.sqlite") as journal:
        journal.note("train_seconds", 601.0)
    with site.config.open("a") as config:
        config.write("[model]\n")
    found(site, "training", "Train lasts 10 min", fix=editor(site, f"[model] threads = {os.cpu_count()}"))
    with Journal(site.home / "journal.sqlite") as journal:
        journal.note("train_seconds", 599.0)
    assert look(site, "training").ok


def test_a_port_that_is_taken(site: Site) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with site.config.open("a") as config:
            config.write(f"[monitor]\nport = {port}\n")
        found(site, "monitor", f"127.0.0.1:{port}", fix=editor(site, "[monitor] port"))
    assert look(site, "monitor").ok


def test_what_the_command_prints(site: Site) -> None:
    (site.folder / "password.txt").chmod(0o640)
    done = CliRunner().invoke(app, ["doctor", "-c", str(site.config)])
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("FAIL  account  others may read"))
    assert lines[at + 1] == f"      fix      chmod 600 {shlex.quote(str(site.folder / 'password.txt'))}"
    assert [line.split()[1] for line in lines if not line.startswith(" ")] == [each.name for each in CHECKS]
    assert PASSWORD not in done.output


def test_the_manual_lists_what_is_looked_at() -> None:
    manual = (ROOT / "docs/operating.md").read_text()
    for each in CHECKS:
        assert f"| `{each.name}` |" in manual, each.name
