"""A short campaign with a fixed seed for each parser (`make fuzz` runs long ones), and proof that it finds faults."""

from __future__ import annotations

import platform
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from fuzz.campaign import PARSERS, Campaign, fuzz
from fuzz.judge import OutOfBounds, judged
from fuzz.targets import planted

fuzzed = pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"),
    reason="NOT FUZZED: atheris has wheels for Linux on x86-64 alone",
)

INPUTS = {"car": 600, "node": 800, "cid": 1500, "revert": 300, "spec": 300}
OTHERS = 200


@fuzzed
@pytest.mark.parametrize("name", PARSERS)
def test_a_short_campaign_finds_nothing(name: str, tmp_path: Path) -> None:
    campaign = Campaign(INPUTS.get(name, OTHERS), seconds=60, seed=1)
    figures = fuzz(name, campaign, tmp_path / "corpus", tmp_path / "findings")
    assert not figures.finding, (tmp_path / "findings/log").read_text()[-3000:]
    assert figures.inputs >= campaign.inputs
    assert figures.features > figures.from_seeds > 0
    assert figures.counts.accepted > 0
    assert 0 < figures.counts.memory < 1


@fuzzed
def test_a_fault_behind_a_word_is_found_and_kept(tmp_path: Path) -> None:
    figures = fuzz("planted", Campaign(1_000_000, 60, seed=1), tmp_path / "corpus", tmp_path / "findings")
    assert figures.finding
    assert figures.inputs < 1_000_000
    (kept,) = figures.inputs_found
    assert kept.parent == tmp_path / "findings"
    assert kept.read_bytes().startswith(b"FAULT")


@fuzzed
def test_the_peak_is_of_the_worker_alone(tmp_path: Path) -> None:
    held = b"1" * (1 << 30)
    figures = fuzz("cid", Campaign(50, 60, seed=1), tmp_path / "corpus", tmp_path / "findings")
    assert 0 < figures.peak_mib < len(held) >> 20


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize(
    ("data", "error", "says"),
    [
        (b"FAULTe", KeyError, "not documented"),
        (b"FAULTm", OutOfBounds, "bytes of Python objects"),
        (b"FAULTt", OutOfBounds, "seconds of CPU"),
        (b"FAULTw", AssertionError, "wrong"),
    ],
)
def test_every_kind_of_fault_is_a_finding(data: bytes, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        judged(planted.TARGET, data)


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("data", [b"nothing", b"FAULT"])
def test_a_result_and_a_documented_error_are_not(data: bytes) -> None:
    assert judged(planted.TARGET, data).peak < 10_000
