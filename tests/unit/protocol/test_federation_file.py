"""The federation file: every key checked, the message names it; the example is what the code takes as default."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fedprotocol.config import ConfigError
from fedprotocol.deployment.federation_file import (
    Contracts,
    Federation,
    FederationError,
    coordinator_config,
    load_federation,
    to_units,
)
from fedprotocol.deployment.record import Deployment, DeploymentError, abi_hash, load_deployment, save_deployment
from fedprotocol.spec import load_spec
from hypothesis import given
from hypothesis import strategies as st
from support.specs import small_spec

ROOT = Path(__file__).resolve().parents[3]
ADDRESS = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
OTHER = "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"


def written(folder: Path, text: str) -> Path:
    path = folder / "federation.toml"
    path.write_text(text)
    return path


def loaded(folder: Path, text: str = "") -> Federation:
    return load_federation(written(folder, f'spec = "spec.json"\n{text}'))


def test_the_example_says_the_defaults(tmp_path: Path) -> None:
    example = load_federation(ROOT / "federation.example.toml")
    assert example.model_copy(update={"spec": tmp_path / "spec.json"}) == loaded(tmp_path)


def test_the_example_documents_every_key() -> None:
    text = (ROOT / "federation.example.toml").read_text()
    for section in ("members", "phases", "money", "proof", "private"):
        part = re.split(r"^(?:# )?\[", text, flags=re.M)
        [body] = [p for p in part if p.startswith(section + "]")]
        keys = set(re.findall(r"^(?:# )?([a-z_]+) = ", body, flags=re.M))
        assert keys == set(type(getattr(Federation(spec=Path("x")), section)).model_fields)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    assert loaded(tmp_path).spec == tmp_path / "spec.json"


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ('"90s"', 90), ('"15m"', 900), ('"4h"', 14_400), ('" 2 d "', 172_800)]
)
def test_lengths_of_time(tmp_path: Path, text: str, seconds: int) -> None:
    assert loaded(tmp_path, f"[phases]\ntrain = {text}\n").phases.train == seconds


@pytest.mark.parametrize("text", ["0.1", '"0.1"', "1", '"0.000000000000000001"'])
def test_amounts_are_exact(tmp_path: Path, text: str) -> None:
    amount = loaded(tmp_path, f"[money]\nstake_per_example = {text}\n").money.stake_per_example
    assert amount == Decimal(text.strip('"'))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[phases]\ntrain = 0", "phases.train"),
        ("[phases]\ntrain = -5", "phases.train"),
        ('[phases]\ntrain = "4 hours"', "phases.train"),
        ("[phases]\ntrain = 1.5", "phases.train"),
        ("[phases]\ntrain = true", "phases.train"),
        ("[phases]\ntrain = 4294967296", "phases.train"),
        ('[phases]\nmin_window = "3h"', "min_window"),
        ("[members]\nmin_clients = 0", "members.min_clients"),
        ("[members]\nmax_clients = 257", "members.max_clients"),
        ('[members]\nmin_clients = "3"', "members.min_clients"),
        ("[members]\nmin_clients = 40", "min_clients (40) must not exceed max_clients (32)"),
        ('[members]\nallowlist = ["0x12"]', "members.allowlist.0"),
        (f'[members]\nmin_clients = 1\nallowlist = ["{ADDRESS}", "{ADDRESS}"]', "allowlist names an account twice"),
        (f'[members]\nallowlist = ["{ADDRESS}"]', "allowlist holds 1 accounts, min_clients asks for 3"),
        (f'[members]\nmin_clients = 1\nallowlist = ["{ADDRESS}"]\ngate = "{OTHER}"', "not both"),
        ('[members]\ngate = "0x5FbDB2315678afecb367f032d93F642f64180aA3"', "members.gate"),  # wrong checksum
        ("[money]\nround_reward = -1", "money.round_reward"),
        ("[money]\nround_reward = nan", "money.round_reward"),
        ("[money]\nround_reward = inf", "money.round_reward"),
        ('[money]\nround_reward = "much"', "money.round_reward"),
        ("[money]\nround_reward = true", "money.round_reward"),
        ("[money]\naggregator_share = 1.1", "money.aggregator_share"),
        ("[money]\naggregator_share = 0.00001", "money.aggregator_share"),
        ("[money]\nstake_per_example = 0", "money.stake_per_example"),
        ("[money]\npenalty = 26", "min_stake (100) must cover four penalties (104)"),
        ("[money]\nstake_per_example = 81", "even after two penalties"),
        ("[money]\nbond = 0", "money.bond"),
        ("[proof]\ngas_price = -1", "proof.gas_price"),
        ("[proof]\nblock_time = 0", "proof.block_time"),
        ("[proof]\nether = true", "proof.ether"),
        ("[money]\nreward = 5", "money.reward"),
        ("[phase]\ntrain = 5", "phase"),
        ("rounds = 3", "rounds"),
        ("spec = 3", "TOML"),  # a second `spec`
        ("[money", "TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, names: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    assert names in str(caught.value)


def test_no_file_and_no_spec(tmp_path: Path) -> None:
    with pytest.raises(FederationError, match=r"federation\.example\.toml"):
        load_federation(tmp_path / "absent.toml")
    with pytest.raises(ConfigError, match="spec"):
        load_federation(written(tmp_path, "[money]\n"))


@given(units=st.integers(0, 2**128 - 1), decimals=st.integers(0, 36))
def test_units_are_exact(units: int, decimals: int) -> None:
    text = f"{units:0{decimals + 1}d}"
    tokens = Decimal(text[: len(text) - decimals] + "." + text[len(text) - decimals :]) if decimals else Decimal(text)
    assert to_units("pool", tokens, decimals) == units


def test_an_amount_the_token_cannot_express() -> None:
    with pytest.raises(FederationError, match=r"money\.pool = 0\.0000001: the token has only 6 decimals"):
        to_units("pool", Decimal("0.0000001"), 6)
    with pytest.raises(FederationError, match=r"money\.pool"):
        to_units("pool", Decimal("1e40"), 6)


def test_the_configuration_is_made_of_file_and_spec(tmp_path: Path) -> None:
    spec = load_spec(small_spec())
    contracts = Contracts(token=ADDRESS, rule=OTHER, disputes=OTHER, gate=None)
    config = coordinator_config(loaded(tmp_path, "[money]\nbond = 25"), spec, bytes(range(32)), contracts, ADDRESS, 6)
    expected: dict[str, Any] = {
        "gate": "0x" + "00" * 20,
        "specDigest": bytes(range(32)),
        "genesisRoot": bytes.fromhex(spec.genesis_root[2:]),
        "leafCount": spec.layout.leaf_count,
        "leafValues": spec.layout.leaf_values,
        "mantissaBits": spec.layout.mantissa_bits,
        "maxShift": spec.bounds.max_shift,
        "serverLr": spec.server_lr,
        "totalRounds": spec.training.rounds,
        "aggregatorBps": 1_000,
        "roundReward": 100_000_000,
        "stakePerExample": 10_000,
        "bondBase": 25_000_000,
        "abandonAfter": 172_800,
    }
    assert {key: config[key] for key in expected} == expected
    with pytest.raises(FederationError, match=r"money\.bond is not set"):
        coordinator_config(loaded(tmp_path), spec, bytes(range(32)), contracts, ADDRESS, 6)


def deployment(coordinator: str) -> Deployment:
    return Deployment(
        chain_id=31_337,
        name="test",
        coordinator=coordinator,
        token=ADDRESS,
        demo_token=True,
        rule=ADDRESS,
        rule_name="fedavg",
        disputes=ADDRESS,
        gate=None,
        deployer=ADDRESS,
        sponsor=ADDRESS,
        block=4,
        time=1,
        transactions={"coordinator": "0x00"},
        abi_hash=abi_hash([{"type": "fallback"}]),
        git_commit=None,
        spec_digest="0x00",
        genesis_root="0x00",
    )


def test_a_deployment_is_read_back_and_a_live_one_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "deployments"
    first, second = deployment(ADDRESS), deployment(OTHER)
    assert save_deployment(first, folder, is_live=lambda _: True) == folder / "31337.json"
    save_deployment(second, folder, is_live=lambda _: True)
    assert load_deployment(folder, 31_337) == second
    assert Deployment.model_validate_json((folder / f"31337-{ADDRESS}.json").read_bytes()) == first


def test_a_deployment_that_went_with_its_chain_is_replaced(tmp_path: Path) -> None:
    save_deployment(deployment(ADDRESS), tmp_path, is_live=lambda _: True)
    save_deployment(deployment(OTHER), tmp_path, is_live=lambda _: False)
    assert [p.name for p in tmp_path.iterdir()] == ["31337.json"]


def test_a_file_that_is_no_deployment_is_kept_aside(tmp_path: Path) -> None:
    (tmp_path / "31337.json").write_text("notes")
    with pytest.raises(DeploymentError, match="not a deployment file"):
        load_deployment(tmp_path, 31_337)
    save_deployment(deployment(ADDRESS), tmp_path, is_live=lambda _: False)
    assert "notes" in [p.read_text() for p in tmp_path.iterdir()]


def test_nothing_deployed(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match="deploy there"):
        load_deployment(tmp_path, 1)
