"""`fedaggregator doctor`: everything right, and each thing wrong once."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from fedaggregator.cli.app import app
from fedprotocol.journal import Journal
from fedprotocol.program.doctor import CheckResult
from support.aggregators import AggregatorSite
from support.evm import Anvil
from support.live_federation import LiveFederation
from support.node_kinds import MISSING, node, without
from support.operators import published
from typer.testing import CliRunner


@pytest.fixture(scope="module")
def sponsor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sponsor")


@pytest.fixture(scope="module")
def federation(sponsor: Path) -> Iterator[LiveFederation]:
    with Anvil() as chain:
        yield published(chain, sponsor)


@pytest.fixture
def site(federation: LiveFederation, sponsor: Path, tmp_path: Path) -> AggregatorSite:
    return AggregatorSite(federation, tmp_path / "aggregator", [sponsor])


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


@pytest.mark.parametrize(
    ("setting", "wrong", "failed", "fix"),
    [
        (r"peers = .*", "peers = []", "peers", "${{EDITOR:-vi}} {file}  # [store] peers"),
        (r"chain_id = .*", "chain_id = 5", "chain", "${{EDITOR:-vi}} {file}  # [chain] chain_id, or rpc"),
        (r"keystore = .*", 'keystore = "none.json"', "account", "fedaggregator account new -c {file}"),
        (r"# port = 0 ", "port = {port} ", "monitor", "${{EDITOR:-vi}} {file}  # [monitor] port"),
    ],
)
def test_each_fault_names_the_command_that_repairs_it(
    site: AggregatorSite, setting: str, wrong: str, failed: str, fix: str
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        text = site.config_path.read_text()
        changed = re.sub(setting, wrong.format(port=taken.getsockname()[1]), text)
        assert changed != text
        site.config_path.write_text(changed)
        found = doctor(site, 1)
    assert (found[failed].ok, found[failed].fix) == (False, fix.format(file=site.config_path))


def test_what_others_may_read(site: AggregatorSite) -> None:
    site.config_path.chmod(0o644)
    (site.folder / "password.txt").chmod(0o644)
    found = doctor(site, 1)
    assert found["private"].fix == f"chmod go= {site.config_path}"
    assert found["account"].fix == f"chmod 600 {site.folder / 'password.txt'}"


def test_an_aggregator_that_runs_and_one_of_another_federation(site: AggregatorSite) -> None:
    with Journal(site.config().journal) as journal:
        assert "in use by another process" in doctor(site, 1)["home"].detail
        journal.bind(5, site.address, site.address)
    assert doctor(site, 1)["home"].fix == f"${{EDITOR:-vi}} {site.config_path}  # home: a new folder"


def test_no_ether_and_no_chain(site: AggregatorSite, federation: LiveFederation) -> None:
    federation.chain.give(site.address, 0)
    assert "has no ether" in doctor(site, 1)["funds"].detail
    site.config_path.write_text(site.config_path.read_text().replace(federation.chain.url, "http://127.0.0.1:9"))
    found = doctor(site, 1)
    assert (found["chain"].ok, found["needs"].ok, found["funds"].ok) == (False, None, None)
    assert found["needs"].detail == "needs: chain"
