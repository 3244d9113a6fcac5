"""A site that trains with differential privacy, in a real federation: what it charges and tells, and where it stops."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from fednode.cli.app import app
from fednode.cli.common import open_session
from fednode.config import load
from fednode.daemon.actions import registry as do
from fednode.daemon.actions.chain.departure import allow_and_note
from fednode.differential_privacy.budget import BudgetSpent, NotPrivate, settings_for
from fednode.differential_privacy.ledger import Ledger
from fednode.doctor import examine
from fednode.policy.log import Log
from fednode.policy.verdict import Forbidden
from fednode.session import Session
from fednode.training.secret_randomness import SecretRandomness
from fedprotocol.program.doctor import CheckResult
from support.evm import Anvil
from support.in_process_nodes import running, until
from support.site_policies import policy_text
from support.sites import Prepared, Site, Sites
from support.synthetic import SyntheticClient
from typer.testing import CliRunner

pytestmark = pytest.mark.model

NOISE = {"noise": 1.0, "clip": 0.1, "delta": 1e-4, "budget": 2.0}  # which pays for the first round and not for a second


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil() as anvil:
        yield anvil


@pytest.fixture(scope="module")
def prepared(tiny_folder: Path) -> Prepared:
    return Prepared.on(tiny_folder, privacy={"noise": 1.0})


def sites_on(chain: Anvil, folder: Path, prepared: Prepared, privacy: dict[str, float]) -> Sites:
    config: dict[str, Any] = {"": {"policy": "policy.toml"}, "data": {"test": None}, "privacy": privacy}
    made = Sites(chain, folder, 1, config, None, prepared, [folder / "peer/store"], minClients=2)
    text = policy_text("0x" + made.coordinator.config().spec_digest.hex(), min_noise=1.0)
    (made.sites[0].folder / "policy.toml").write_text(text)
    return made


def fednode(site: Site, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "-c", str(site.config)])


def doctor(site: Site, name: str) -> CheckResult:
    with Session(load(site.config)) as session:
        return next(check for check in examine(session, site.config) if check.name == name)


def test_a_round_with_noise_is_charged_and_tells_no_losses(chain: Anvil, tmp_path: Path, prepared: Prepared) -> None:
    sites = sites_on(chain, tmp_path, prepared, NOISE)
    [site], coordinator, genesis = sites.sites, sites.coordinator, prepared.spec.genesis.root
    peer = SyntheticClient(sites.federation, tmp_path / "peer", 0)
    assert fednode(site, "policy", "approve", "--by", "J. Doe, DPO", "--yes").exit_code == 0
    assert fednode(site, "join").exit_code == 0
    peer.join()
    planned = json.loads(fednode(site, "privacy", "--json").stdout)
    assert (planned["spent"], planned["rounds_left"], planned["entries"]) == (0, 1, [])
    assert f"epsilon {planned['next_round']:.3g} of 2 after a round" in doctor(site, "noise").detail
    with open_session(site.config) as session, running(session) as daemon:
        until(daemon, lambda action: isinstance(action, do.Commit), seconds=120)
        [charged] = Ledger(session.config.privacy_ledger).entries()
        assert (charged.round, charged.prior_root, charged.steps, charged.noise) == (1, genesis, 3, 1.0)
        assert charged.epsilon == pytest.approx(planned["next_round"])
        update = session.journal.update(1)
        assert update is not None and update.loss_before == update.loss_after == 0
        with pytest.raises(NotPrivate, match="trained without noise"):
            allow_and_note(daemon._tools, replace(update, loss_before=1))
        assert Log(session.config.policy_log).read().departures() == ()

        peer.commit(1, genesis)
        until(daemon, lambda _: bool(coordinator.updates(1)), seconds=60)
        [left] = Log(session.config.policy_log).read().departures()
        assert left.epsilon == charged.epsilon and (left.loss_before, left.loss_after) == (0, 0)
        revealed = coordinator.contract.events.Revealed.get_logs(from_block=0)[0]["args"]
        assert (revealed["lossBefore"], revealed["lossAfter"]) == (0, 0)

        sites.federation.pass_time(5000)
        until(daemon, lambda _: "trains no more" in session.config.status.read_text(), seconds=60)
        assert session.journal.update(2) is None, "the budget does not pay for a second round"
    shown = fednode(site, "privacy")
    assert shown.exit_code == 1 and "the budget pays for 0 of them" in shown.output
    assert f"round 1: 3 steps, epsilon {charged.epsilon:.3g} after it" in shown.output
    assert f"epsilon {charged.epsilon:.3g} (delta 0.0001) of 2 is spent" in fednode(site, "status").output
    assert ", no losses, epsilon" in fednode(site, "policy", "log").output
    assert "trains no more" in doctor(site, "noise").detail
    peer.close()


def test_the_doctor_measures_a_round_with_noise(
    chain: Anvil, tmp_path: Path, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes two to three times as long."""
    drawn = Counter[int]()
    draw = SecretRandomness.drawn

    def counted(self: SecretRandomness, rows: int, rate: float) -> list[int]:
        drawn[rows] += 1
        return draw(self, rows, rate)

    monkeypatch.setattr(SecretRandomness, "drawn", counted)
    site = sites_on(chain, tmp_path, prepared, NOISE).sites[0]
    assert "it would take" in doctor(site, "training").detail
    assert drawn.total() == 2, "a lot for each of the steps that are measured"


def test_less_noise_than_is_asked_for_is_refused(chain: Anvil, tmp_path: Path, prepared: Prepared) -> None:
    """By the policy, and by the spec."""
    sites = sites_on(chain, tmp_path, prepared, {**NOISE, "noise": 0.5})
    [site] = sites.sites
    refused = fednode(site, "join")
    assert isinstance(refused.exception, Forbidden) and "wants at least 1" in str(refused.exception)
    found = doctor(site, "noise")
    assert not found.ok and "the spec demands noise of at least 1, and the config of this site has" in found.detail
    with pytest.raises(NotPrivate, match="the spec demands"), open_session(site.config) as session:
        settings_for(session.config, session.spec)
    shown = fednode(site, "privacy")
    assert isinstance(shown.exception, NotPrivate)


def test_a_delta_that_gives_a_row_away_is_refused(chain: Anvil, tmp_path: Path, prepared: Prepared) -> None:
    sites = sites_on(chain, tmp_path, prepared, {**NOISE, "delta": 0.5})
    found = doctor(sites.sites[0], "noise")
    assert not found.ok and "allows to give away a whole row" in found.detail
    assert BudgetSpent.needs_person
