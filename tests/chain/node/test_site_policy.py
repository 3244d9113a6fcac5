"""A site's policy on a real chain: what it forbids is neither joined, run nor revealed, and what leaves is logged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from fednode.cli.app import app
from fednode.cli.common import open_session
from fednode.config import load
from fednode.daemon.actions import registry as do
from fednode.daemon.actions.chain.departure import allow_and_note
from fednode.daemon.preflight import preflight
from fednode.daemon.wait_reason import Cause
from fednode.doctor import examine
from fednode.policy.log import Log
from fednode.policy.verdict import Forbidden
from fednode.session import Session
from fednode.site_policy import head_in
from fedprotocol.errors import FOR_A_PERSON
from fedprotocol.program.doctor import CheckResult
from fedprotocol.store.base import NotFound
from fedprotocol.store.open import open_store
from fedprotocol.types import Phase
from support.evm import Anvil
from support.in_process_nodes import running, until
from support.live_federation import LiveFederation
from support.operators import operator, published
from support.site_policies import policy_text
from support.sites import Prepared, Site, Sites
from support.synthetic import SyntheticClient
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
    return published(chain, sponsor)


@pytest.fixture
def site(federation: LiveFederation, sponsor: Path, tmp_path: Path) -> Site:
    return operator(tmp_path / "site", federation, federation.new_account(), sponsor, **{"": {"policy": "policy.toml"}})


def spec_of(federation: LiveFederation) -> str:
    return "0x" + federation.coordinator.config().spec_digest.hex()


def write(site: Site, text: str) -> None:
    (site.folder / "policy.toml").write_text(text)


def fednode(site: Site, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "-c", str(site.config)])


def doctor(site: Site) -> CheckResult:
    with Session(load(site.config)) as session:
        return next(check for check in examine(session, site.config) if check.name == "policy")


def approve(site: Site) -> Result:
    return fednode(site, "policy", "approve", "--by", "J. Doe, DPO", "--yes")


@pytest.mark.usefixtures("process_as_before")
def test_what_is_not_allowed_is_neither_joined_nor_run(federation: LiveFederation, site: Site) -> None:
    write(site, policy_text("0x" + 64 * "1"))
    for words in (("join",), ("run",), ("policy", "approve", "--by", "J. Doe", "--yes")):
        done = fednode(site, *words)
        assert isinstance(done.exception, Forbidden) and spec_of(federation) in str(done.exception)
        assert done.exception.exit_code == (FOR_A_PERSON if words == ("run",) else 1)
    found = doctor(site)
    assert found.ok is False and " policy check " in found.fix
    assert fednode(site, "policy", "check").exit_code == 1
    assert federation.chain.web3.eth.get_transaction_count(site.account.address) == 0


def test_a_policy_is_approved_and_every_change_of_it_again(federation: LiveFederation, site: Site) -> None:
    write(site, policy_text(spec_of(federation)))
    found = doctor(site)
    assert found.ok is False and "nobody has approved" in found.detail and " policy approve " in found.fix
    unasked = fednode(site, "policy", "approve", "--by", "J. Doe, DPO")
    assert "nobody is there to be asked" in str(unasked.exception)
    done = approve(site)
    assert done.exit_code == 0, done.exception
    for words in (spec_of(federation), federation.coordinator.address, site.account.address, "everybody sees"):
        assert words in done.output
    assert doctor(site).ok and fednode(site, "policy", "check").exit_code == 0
    assert fednode(site, "join").exit_code == 0
    with open_session(site.config) as session:
        preflight(session)
    shown = fednode(site, "policy", "log")
    assert shown.exit_code == 0 and "by J. Doe, DPO; signed with" in shown.output

    write(site, policy_text(spec_of(federation)) + "# a word more\n")
    assert "another text of the policy" in doctor(site).detail
    with open_session(site.config) as session, pytest.raises(Forbidden):
        preflight(session)
    assert approve(site).exit_code == 0 and doctor(site).ok


def test_a_policy_that_was_approved_cannot_be_left_out(federation: LiveFederation, site: Site) -> None:
    write(site, policy_text(spec_of(federation)))
    assert approve(site).exit_code == 0
    site.config.write_text(site.config.read_text().replace('policy = "policy.toml"', ""))
    assert doctor(site).ok is False
    assert "the config names none" in str(fednode(site, "join").exception)


def test_without_a_policy_the_command_says_how_to_write_one(federation: LiveFederation, site: Site) -> None:
    site.config.write_text(site.config.read_text().replace('policy = "policy.toml"', ""))
    assert doctor(site).ok and "none" in doctor(site).detail
    for words in (("policy", "check"), ("policy", "approve", "--by", "J. Doe", "--yes")):
        assert f'spec = "{spec_of(federation)}"' in str(fednode(site, *words).exception)
    assert "nothing has left this site" in fednode(site, "policy", "log").output


def forbidden(action: do.Action | None) -> bool:
    return isinstance(action, do.Wait) and action.cause is Cause.FORBIDDEN


@pytest.mark.model
def test_a_round_under_a_policy(tiny_folder: Path, tmp_path: Path) -> None:
    """Peers first; taken back and given again between commit and reveal; a round from which a peer stays away."""
    prepared = Prepared.on(tiny_folder)
    homes = [tmp_path / name for name in ("peer", "other")]
    with Anvil() as chain:
        config: dict[str, Any] = {"": {"policy": "policy.toml"}, "data": {"test": None}}
        sites = Sites(chain, tmp_path, 1, config, None, prepared, [home / "store" for home in homes], minClients=2)
        [site], federation, genesis = sites.sites, sites.federation, sites.spec.genesis.root
        peer, other = (SyntheticClient(federation, home, seed) for seed, home in enumerate(homes))
        other.join()
        text = policy_text(spec_of(federation), peers=[peer.account.address])
        write(site, text)
        assert approve(site).exit_code == 0 and fednode(site, "join").exit_code == 0
        with open_session(site.config) as session, running(session) as daemon:
            log = Log(session.config.policy_log)
            until(daemon, forbidden)
            assert session.journal.update(1) is None, "nothing is trained before the peer has a seat"
            peer.join()
            until(daemon, lambda action: isinstance(action, do.Commit), seconds=120)
            for client in (peer, other):
                client.commit(1, genesis)
            write(site, policy_text("0x" + 64 * "1"))
            until(daemon, forbidden)
            update = session.journal.update(1)
            assert update is not None and federation.phase(1) is Phase.REVEAL
            for _ in range(3):
                daemon._cycle()
            shape = session.spec.layout.delta_shape
            alone = open_store(f"dir:{site.folder / 'store'}", tmp_path / "cache")
            with pytest.raises(NotFound):
                alone.get(update.root, shape)
            assert log.read().departures() == ()

            write(site, text)
            until(daemon, lambda action: isinstance(action, do.Reveal))
            until(daemon, lambda _: bool(federation.coordinator.updates(1)))
            alone.get(update.root, shape).close()
            history = log.read(head_in(session.journal))
            [left] = history.departures()
            assert history.gap is None and history.lines[-1].digest == head_in(session.journal)
            assert (left.round, left.root, left.mode) == (1, "0x" + update.root.hex(), "public")
            assert left.bytes == update.car.stat().st_size and left.examples == update.examples
            allow_and_note(daemon._tools, update)
            assert len(log.read().departures()) == 1, "however often it is sent"

            federation.pass_time(5000)
            until(daemon, lambda action: isinstance(action, do.Commit) and action.round == 2, seconds=120)
            other.commit(2, session.coordinator.latest_final()[1])
            federation.pass_time(601)
            assert federation.phase(2) is Phase.REVEAL
            until(daemon, lambda action: isinstance(action, do.Wait) and peer.account.address in action.describe())
            assert len(log.read().departures()) == 1
        for client in (peer, other):
            client.close()


def test_the_log_is_shown_for_programs(federation: LiveFederation, site: Site) -> None:
    write(site, policy_text(spec_of(federation)))
    assert approve(site).exit_code == 0
    [entry] = json.loads(fednode(site, "policy", "log", "--json").output)
    assert entry["kind"] == "approved" and entry["follows"] and entry["spec"] == spec_of(federation)
