"""Programs on a federation whose contracts are not all of this version: nothing goes in unless the config says so."""

from __future__ import annotations

import logging
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from fedaggregator.daemon.observe import Observer
from fedaggregator.daemon.run import Aggregator
from fednode.cli.app import app
from fednode.config import load
from fednode.daemon.preflight import NotReady, preflight
from fednode.doctor import examine
from fednode.session import Session
from fedprotocol.chain.read.code import code_hash
from fedprotocol.chain.read.trust import ForeignCode
from fedprotocol.errors import FOR_A_PERSON
from fedprotocol.program.doctor import CheckResult
from support.aggregators import COMMAND, AggregatorSite
from support.config_files import rewrite
from support.evm import Anvil
from support.live_federation import LiveFederation
from support.operators import operator, published
from support.sites import Site
from typer.testing import CliRunner


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil() as anvil:
        yield anvil


@pytest.fixture(scope="module")
def sponsor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sponsor")


@pytest.fixture(scope="module")
def federation(chain: Anvil, sponsor: Path) -> LiveFederation:
    """The published coordinator, and a contract beside it that convicts whatever it is told to."""
    return published(chain, sponsor, disputes=chain.deploy("DisputesMock").address)


@pytest.fixture
def site(federation: LiveFederation, sponsor: Path, tmp_path: Path) -> Site:
    return operator(tmp_path / "site", federation, federation.new_account(), sponsor)


@pytest.fixture
def aggregator(federation: LiveFederation, sponsor: Path, tmp_path: Path) -> AggregatorSite:
    return AggregatorSite(federation, tmp_path / "aggregator", [sponsor])


def disputes_hash(federation: LiveFederation) -> str:
    return code_hash(bytes(federation.chain.web3.eth.get_code(federation.coordinator.config().disputes)))


def names_the_mock(words: str, federation: LiveFederation) -> None:
    address, found = federation.coordinator.config().disputes, disputes_hash(federation)
    for expected in (
        f"the disputes contract at {address} is not of this version",
        "which proposals are convicted",
        found,
    ):
        assert expected in words, words


def sent(federation: LiveFederation, address: str) -> int:
    """Transactions of this account."""
    return federation.chain.web3.eth.get_transaction_count(address)


def fednode(site: Site, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "-c", str(site.config)])


def code_check(site: Site) -> CheckResult:
    with Session(load(site.config)) as session:
        return next(check for check in examine(session, site.config) if check.name == "code")


@pytest.mark.usefixtures("process_as_before")
def test_a_node_puts_in_nothing_and_says_what_it_found(federation: LiveFederation, site: Site) -> None:
    for words in (("join",), ("run",), ("challenge",)):
        done = fednode(site, *words)
        assert done.exit_code == 1 and isinstance(done.exception, ForeignCode), (words, done.exception)
        names_the_mock(str(done.exception), federation)
        assert f'[chain] trusted_code = ["{disputes_hash(federation)}"]' in str(done.exception)
    assert sent(federation, site.account.address) == 0
    found = code_check(site)
    assert found.ok is False and found.fix.endswith("# [chain] coordinator, or trusted_code")
    names_the_mock(found.detail, federation)


def test_a_node_goes_on_where_the_config_trusts_that_code(federation: LiveFederation, site: Site) -> None:
    rewrite(site.config, chain={"trusted_code": ["0x" + 64 * "0", disputes_hash(federation)]})
    found = code_check(site)
    assert found.ok and "trusted by [chain] trusted_code" in found.detail and "coordinator, rule: of" in found.detail
    with Session(load(site.config)) as session, pytest.raises(NotReady, match="no seat"):
        preflight(session)
    done = fednode(site, "join")
    assert done.exit_code == 0, done.exception
    assert federation.coordinator.seat(site.account.address).active_from == 1


def test_another_coordinator_is_refused_before_it_is_asked_anything(
    chain: Anvil, sponsor: Path, tmp_path: Path
) -> None:
    federation = published(chain, sponsor)
    fake = chain.deploy("FakeCoordinator", federation.coordinator.address).address
    site = operator(tmp_path / "site", federation, federation.new_account(), sponsor, chain={"coordinator": fake})
    done = fednode(site, "join")
    assert isinstance(done.exception, ForeignCode) and [p.role for p in done.exception.parts] == ["coordinator"]
    assert f"the coordinator contract at {fake} is not of this version" in str(done.exception)
    assert "it holds all stakes and bonds" in str(done.exception)
    own = operator(tmp_path / "own", federation, site.account, sponsor)
    assert code_check(own).detail == "coordinator, disputes, rule: of this version"
    assert fednode(own, "join").exit_code == 0


def test_who_only_reads_is_warned(federation: LiveFederation, site: Site, aggregator: AggregatorSite) -> None:
    for _ in range(2):
        done = fednode(site, "status")
        assert "warning: the disputes contract at" in done.stderr and done.stdout, done.exception
        names_the_mock(done.stderr, federation)
    assert (site.home / "code.json").exists(), "it is not looked up again"
    command = [str(COMMAND), "status", "--config", str(aggregator.config_path)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "What is shown here rests on it" in told.stderr and told.stdout


def test_a_watch_without_a_key_goes_on(
    federation: LiveFederation, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with Observer.open(load(site.config), 8):
        names_the_mock(caplog.text, federation)


@pytest.mark.parametrize("command", ["run", "watch"])
def test_aggregators_and_watchtowers(command: str, federation: LiveFederation, aggregator: AggregatorSite) -> None:
    process = aggregator.start(command)
    assert process.wait(60) == FOR_A_PERSON
    names_the_mock(aggregator.log.read_text(), federation)
    assert "Traceback" not in aggregator.log.read_text()
    assert sent(federation, aggregator.address) == 0
    rewrite(aggregator.config_path, chain={"trusted_code": [disputes_hash(federation)]})
    with aggregator.running(command):
        deadline = time.monotonic() + 60
        while not aggregator.config().status.exists():
            assert time.monotonic() < deadline, aggregator.log.read_text()
            time.sleep(0.1)
    assert "[chain] trusted_code names it" in aggregator.log.read_text()


def test_what_is_owed_is_had_from_any_contract(aggregator: AggregatorSite) -> None:
    """Taking out puts nothing in."""
    with Aggregator.open(aggregator.config(), aggregator.account) as opened:
        assert opened.claim(frozenset()) == 0
