"""Money and sizes as people read them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from fedprotocol.chain.errors import OutOfFunds, ether
from fedprotocol.quantities import decimal, size
from support.documents import ROOT


@pytest.mark.parametrize(
    ("units", "decimals", "had", "needed"),
    [
        (0, 18, "0", "0"),
        (1, 18, "<0.0001", "0.0001"),
        (10**14 - 1, 18, "<0.0001", "0.0001"),
        (10**14, 18, "0.0001", "0.0001"),
        (90 * 10**18, 18, "90", "90"),
        (15 * 10**17 + 1, 18, "1.5", "1.5001"),
        (999_999_999, 6, "999.9999", "1000"),
        (-1_234_567, 6, "-1.2345", "-1.2346"),
        (7, 0, "7", "7"),
        (123, 2, "1.23", "1.23"),
    ],
)
def test_what_is_had_is_rounded_down_and_what_is_needed_up(units: int, decimals: int, had: str, needed: str) -> None:
    assert (decimal(units, decimals), decimal(units, decimals, up=True)) == (had, needed)


def test_ether_that_is_asked_for_is_enough() -> None:
    assert (ether(1), ether(1, up=True)) == ("<0.0001", "0.0001")
    assert "has <0.0001 ETH" in str(OutOfFunds("0x1", 2, 1)) and "at least 0.0001 ETH" in str(OutOfFunds("0x1", 2, 1))


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (1000 * 1024, "1.0 MiB"),
        (65_605_722_112, "61.1 GiB"),
        (5 << 50, "5120.0 TiB"),
    ],
)
def test_a_size_has_one_unit_everywhere(count: int, text: str) -> None:
    assert size(count) == text


def sentences(path: Path) -> Iterator[str]:
    """Every string of a program but its docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


def test_no_message_speaks_of_token_units_or_of_bytes_by_the_thousand() -> None:
    """What a person reads is in whole tokens, ETH and GiB."""
    folders = ("protocol/src", "aggregator/src", "node/src", "lab/src/fedlab/demo", "scripts")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 200
    for path in files:
        for text in sentences(path):
            for words in ("token unit", " GB ", " MB)"):
                assert words not in text, f"{path}: {text}"
