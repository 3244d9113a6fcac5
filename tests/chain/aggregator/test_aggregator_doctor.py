"""`fedaggregator doctor`: everything right, and each thing wrong once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fedaggregator.cli.app import app
from fedprotocol.program.doctor import CheckResult
from support.aggregators import AggregatorSite
from support.evm import Anvil
from support.live_federation import LiveFederation
from support.node_kinds import MISSING, node, without
from typer.testing import CliRunner


@pytest.fixture(scope="module")
def federation() -> Iterator[LiveFederation]:
    with Anvil() as chain:
        yield LiveFederation(chain)


@pytest.fixture
def site(federation: LiveFederation, tmp_path: Path) -> AggregatorSite:
    return AggregatorSite(federation, tmp_path / "aggregator", [])


def doctor(site: AggregatorSite, code: int) -> dict[str, CheckResult]:
    done = CliRunner().invoke(app, ["doctor", "--json", "--config", str(site.config_path)])
    assert done.exit_code == code, done.output
    return {entry["name"]: CheckResult(**entry) for entry in json.loads(done.stdout)}


def test_nothing_is_wrong(site: AggregatorSite) -> None:
    found = doctor(site, 0)
    assert all(check.ok for check in found.values())
    assert "11 kinds of calls" in found["needs"].detail and "not served" not in found["needs"].detail
    assert "as is usual on a development chain" in found["depth"].detail


def test_a_node_that_lacks_logs(site: AggregatorSite, federation: LiveFederation) -> None:
    with node(federation.chain.url, without(MISSING, "eth_getLogs")) as proxy:
        site.config_path.write_text(site.config_path.read_text().replace(federation.chain.url, proxy.url))
        found = doctor(site, 1)
    assert [name for name, check in found.items() if check.ok is False] == ["needs"]
    assert "logs of a range of blocks" in found["needs"].detail


def test_no_ether_and_no_chain(site: AggregatorSite, federation: LiveFederation) -> None:
    federation.chain.give(site.address, 0)
    assert "has no ether" in doctor(site, 1)["funds"].detail
    site.config_path.write_text(site.config_path.read_text().replace(federation.chain.url, "http://127.0.0.1:9"))
    found = doctor(site, 1)
    assert (found["chain"].ok, found["needs"].ok, found["funds"].ok) == (False, None, None)
    assert found["needs"].detail == "needs: chain"
