"""Which of several federations on a chain is meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from fedprotocol.deployment.record import Deployment, DeploymentError, deployments, load_deployment, save_deployment

CHAIN = 5
FIRST, SECOND, THIRD = (to_checksum_address("0x" + pair * 20) for pair in ("ab", "ac", "0d"))


def record(coordinator: str, block: int, **changes: Any) -> Deployment:
    address = "0x" + "11" * 20
    values = dict.fromkeys(("token", "rule", "disputes", "deployer", "sponsor"), address)
    return Deployment.model_validate(
        {
            **values,
            "chain_id": CHAIN,
            "name": "Ward notes",
            "coordinator": coordinator,
            "demo_token": False,
            "rule_name": "fedavg",
            "gate": None,
            "block": block,
            "time": block,
            "transactions": {},
            "abi_hash": "0x",
            "git_commit": None,
            "spec_digest": "0x",
            "genesis_root": "0x",
            **changes,
        }
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for one in (record(FIRST, 7), record(SECOND, 9, name="Lab reports"), record(THIRD, 3)):
        save_deployment(one, tmp_path, is_live=lambda _: True)
    (tmp_path / f"{CHAIN}-0xdamaged.json").write_text("{")
    save_deployment(record(FIRST, 1, chain_id=6), tmp_path, is_live=lambda _: True)
    return tmp_path


def test_all_of_one_chain_newest_first(folder: Path) -> None:
    assert [one.block for one in deployments(folder, CHAIN)] == [9, 7, 3]
    assert deployments(folder, 77) == []


@pytest.mark.parametrize(
    ("wanted", "block"),
    [("", 3), (SECOND, 9), (SECOND.lower(), 9), ("0xabababab", 7), ("LAB reports", 9)],
)
def test_one_is_named(folder: Path, wanted: str, block: int) -> None:
    assert load_deployment(folder, CHAIN, wanted).block == block


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("0xdead00", "no federation is called 0xdead00"),
        ("0xa", "no federation"),
        ("ward notes", "several federations are called ward notes"),
        ("\x1b[2J", r"\x1b[2J"),
    ],
)
def test_none_or_several_are_said(folder: Path, wanted: str, words: str) -> None:
    with pytest.raises(DeploymentError) as refused:
        load_deployment(folder, CHAIN, wanted)
    assert words in str(refused.value) and FIRST in str(refused.value)
