"""The demo's judgement: an audit bundle rechecked from its files, the rounds rebuilt from the log, the verdict."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fedaggregator.compute.merge import Contribution, merge
from fedaggregator.rules import RULES
from fedlab.demo.history import FinalRound, History, read_history
from fedlab.demo.recheck import BundleWrong, recheck
from fedlab.demo.verdict import failures
from fedlab.results.records import Summary
from fedprotocol.car import Leaves, MemoryLeaves, write_car
from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.read.events import Event
from fedprotocol.numbers import split_leaves
from fedprotocol.types import PenaltyReason, VoidReason
from support.federation import CONFIG as TERMS
from support.rules import PUBLIC

LEAF_VALUES = 64
WEIGHTS, SHIFTS = (260, 1, 2**20 - 1, 70, 31), (11, 0, 12, 11, 9)


def save(leaves: Leaves, path: Path) -> str:
    with path.open("wb") as out:
        write_car(leaves, out)
    return "0x" + leaves.root.hex()


UNWEIGHTED = ("trimmed-mean", "median")
SIZES = [(8, 150), (16, 64), (8, 64 * 7)]


@pytest.fixture(params=[*((*size, "fedavg") for size in SIZES), *((8, 150, name) for name in PUBLIC)], ids=str)
def bundle(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A round of five updates, one not accepted, merged by the product's own code."""
    bits, count, name = request.param
    rng, rule = np.random.default_rng(bits), RULES[name]
    parts = [split_leaves(rng.integers(-(2**31), 2**31, count, np.int32), LEAF_VALUES) for _ in range(rule.parts)]
    prior = MemoryLeaves([leaf for leaves in parts for leaf in leaves])
    dtype = np.int8 if bits == 8 else np.int16
    limits = np.iinfo(dtype)
    updates = [
        MemoryLeaves(split_leaves(rng.integers(limits.min, limits.max + 1, count, dtype), LEAF_VALUES)) for _ in WEIGHTS
    ]
    accepted = (0, 2, 3, 4)
    contributions = [Contribution(updates[i], WEIGHTS[i], SHIFTS[i]) for i in accepted]
    merged = merge(rule, prior, contributions, bits, 60_000, tmp_path / "merged")
    folder = tmp_path / "bundle"
    folder.mkdir()
    facts = {
        "chain_id": 1,
        "contract": "0x" + 40 * "1",
        "rule": name,
        "round": 1,
        "prior_root": save(prior, folder / "prior.car"),
        "global_root": save(merged, folder / "global.car"),
        "leaf_values": LEAF_VALUES,
        "value_count": count,
        "mantissa_bits": bits,
        "server_lr": 60_000,
        "updates": [
            {
                "index": i,
                "client": "0x" + 40 * str(i),
                "root": save(update, folder / f"update-{i}.car"),
                "weight": WEIGHTS[i],
                "shift": SHIFTS[i],
                "accepted": i in accepted,
            }
            for i, update in enumerate(updates)
        ],
    }
    (folder / "round.json").write_text(json.dumps(facts))
    return folder


def edit(bundle: Path, **facts: Any) -> None:
    file = bundle / "round.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | facts))


@pytest.mark.process
def test_a_right_bundle_passes(bundle: Path) -> None:
    assert recheck(bundle) == json.loads((bundle / "round.json").read_text())["global_root"]
    command = [sys.executable, "-m", "fedlab.demo.recheck", str(bundle)]
    assert "right, 0x" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_another_weight_order_or_acceptance_does_not(bundle: Path) -> None:
    facts = json.loads((bundle / "round.json").read_text())
    updates, changes = facts["updates"], [(0, {"shift": 12}), (1, {"accepted": True}), (2, {"accepted": False})]
    if facts["rule"] not in UNWEIGHTED:
        changes.append((0, {"weight": 271}))
    for index, change in changes:
        edit(bundle, updates=[u | change if u["index"] == index else u for u in updates])
        with pytest.raises(BundleWrong, match="the first is value"):
            recheck(bundle)
    edit(bundle, updates=[])
    with pytest.raises(BundleWrong, match="no weight"):
        recheck(bundle)


def test_one_wrong_value_is_named(bundle: Path) -> None:
    facts = json.loads((bundle / "round.json").read_text())
    count = facts["value_count"]
    leaves = _leaves_of(bundle / "global.car", facts)
    leaf, at = divmod(count - 1, LEAF_VALUES)
    changed = bytearray(leaves[leaf])
    changed[4 * at + 3] ^= 1
    leaves[leaf] = bytes(changed)
    edit(bundle, global_root=save(MemoryLeaves(leaves), bundle / "global.car"))
    with pytest.raises(BundleWrong, match=rf"1 of \d+ values of the global are wrong, the first is value {count - 1} "):
        recheck(bundle)


def _leaves_of(car: Path, facts: dict[str, Any]) -> list[bytes]:
    from fedlab.demo.recheck import _blocks, _leaves

    return _leaves(_blocks(car), bytes.fromhex(facts["global_root"][2:]), car)


@pytest.mark.parametrize("name", ["prior.car", "update-0.car", "update-1.car", "global.car"])
def test_a_damaged_file_is_named(bundle: Path, name: str) -> None:
    whole = (bundle / name).read_bytes()
    flipped = bytearray(whole)
    flipped[-1] ^= 1
    for damaged in (bytes(flipped), whole[:-1], whole[: len(whole) // 2], whole + b"\x05", b""):
        (bundle / name).write_bytes(damaged)
        with pytest.raises(BundleWrong, match=r"\.car|a CAR file"):
            recheck(bundle)
    (bundle / name).unlink()
    with pytest.raises(BundleWrong, match="not a whole audit bundle"):
        recheck(bundle)


def test_padding_must_be_zero_and_the_rule_known(bundle: Path) -> None:
    facts = json.loads((bundle / "round.json").read_text())
    edit(bundle, value_count=facts["value_count"] - 1)
    with pytest.raises(BundleWrong, match=r"padding|do not fit"):
        recheck(bundle)
    edit(bundle, rule="krum")
    with pytest.raises(BundleWrong, match="krum"):
        recheck(bundle)


CLIENTS = ["0xA", "0xB", "0xC"]
ROOTS = {1: b"\x01" * 32, 2: b"\x02" * 32}


CONFIG = replace(TERMS, genesis_root=bytes(32), round_reward=20, aggregator_bps=2_000, penalty=1)
BONDED = {1: 25, 2: 0}


def event(name: str, **args: Any) -> Event:
    return Event(name, args, 1, b"", b"", 0, 1_000)


def opened(number: int, prior: bytes) -> list[Event]:
    events = [event("RoundOpened", round=number, active=3, reserved=20, train_end=2_000)]
    return events + [event("Committed", round=number, client=c, prior_root=prior, hash=b"") for c in CLIENTS]


def a_round(number: int, prior: bytes) -> list[Event]:
    root = ROOTS[number]
    said = {"shift": 1, "examples": 100, "weight": 100, "loss_before": 0, "loss_after": 0, "inputs_hash": b""}
    return [
        *opened(number, prior),
        *(event("Revealed", round=number, client=c, index=i, root=c.encode(), **said) for i, c in enumerate(CLIENTS)),
        *(event("Attested", round=number, client=c, bitmap=0b111) for c in CLIENTS),
        event("Proposed", round=number, proposer="0xD", root=root, bond=BONDED[number], window_end=3_000),
        event(
            "RoundFinalized",
            round=number,
            root=root,
            at=3_000,
            aggregator="0xD",
            aggregator_reward=4,
            client_rewards=15,
            returned_to_pool=1,
        ),
    ]


PAID = [
    *(event("Rewarded", round=n, client=c, amount=5) for n in (1, 2) for c in CLIENTS),
    event("BondReturned", round=1, proposer="0xD", amount=25),
    *(event("Claimed", account=c, amount=5) for c in CLIENTS for _ in range(2)),
    event("Claimed", account="0xD", amount=33),
]
GOOD = [*a_round(1, bytes(32)), *a_round(2, ROOTS[1]), *PAID]


def history_of(events: list[Event]) -> History:
    return read_history(events, CONFIG)


def test_history_from_the_log() -> None:
    history = history_of(GOOD)
    assert [done.number for done in history.final] == [1, 2]
    assert history.final[0].weights == dict.fromkeys(CLIENTS, 100)
    assert history.final[0].recomputed_by == tuple(CLIENTS)
    assert history.final[1].recomputed_by == ()
    assert history.paid == {"0xA": 10, "0xB": 10, "0xC": 10, "0xD": 33}
    assert history.rewards == {"0xA": 10, "0xB": 10, "0xC": 10, "0xD": 8}
    assert history.bonds == {"0xD": 25}
    assert history_of([]) == History()


def test_a_replaced_commit_counts_as_it_was_last() -> None:
    again = event("Committed", round=2, client="0xB", prior_root=b"\x09" * 32, hash=b"")
    done = history_of([*GOOD, again]).final[0]
    assert done.recomputed_by == ("0xA", "0xC")
    assert done.dissenters == ("0xB",)


SUMMARY = Summary(
    initial_loss=4.0,
    final_loss=1.0,
    loss_reduction_pct=75.0,
    initial_accuracy=0.5,
    final_accuracy=0.7,
    rounds_finalized=2,
    clients=3,
    test_items=300,
    seconds_total=60.0,
)
NAMES = {"0xA": "clinic", "0xB": "bank", "0xC": "law"}
CHECKED = {1: "", 2: ""}


def judge(history: History, summary: Summary = SUMMARY, rounds: int = 2, checked: dict[int, str] = CHECKED) -> str:
    return "\n".join(failures(history, summary, rounds, NAMES, checked, Amounts(0, "FED")))


def test_a_good_run_has_no_failures() -> None:
    assert judge(history_of(GOOD)) == ""


def test_every_failure_is_named() -> None:
    good = history_of(GOOD)
    first: FinalRound = good.final[0]

    def with_first(**changes: Any) -> History:
        return replace(good, final=(replace(first, **changes), good.final[1]))

    assert "only 2 of 3 rounds" in judge(good, rounds=3)
    assert "only 0 of 2 rounds" in judge(History())
    assert "loss did not fall" in judge(good, SUMMARY.model_copy(update={"final_loss": 4.0}))
    assert "round 2 was not confirmed by an independent recomputation: value 3" in judge(
        good, checked={1: "", 2: "value 3"}
    )
    assert "no audit bundle" in judge(good, checked={1: ""})
    assert "bank did not confirm global 1" in judge(with_first(recomputed_by=("0xA", "0xC")))
    assert "law computed another global 1" in judge(with_first(recomputed_by=("0xA", "0xB"), dissenters=("0xC",)))
    assert "round 1 went without clinic" in judge(with_first(weights={"0xB": 1, "0xC": 1}))
    assert "bank claimed 9 FED of 10 FED" in judge(replace(good, paid={**good.paid, "0xB": 9}))
    assert "bank claimed 0 FED of 0 FED" in judge(
        replace(good, paid={**good.paid, "0xB": 0}, rewards={**good.rewards, "0xB": 0})
    )
    assert "0xD claimed 8 FED of 33 FED" in judge(replace(good, paid={**good.paid, "0xD": 8}))
    assert "convicted" in judge(replace(good, convicted=((1, "0xD"),)))


def test_void_rounds_and_penalties_are_failures() -> None:
    history = history_of(
        [
            *GOOD,
            *opened(3, ROOTS[2]),
            event("RoundVoided", round=3, reason=VoidReason.TOO_FEW_REVEALS, at=4_000, returned_to_pool=20),
            event("Penalized", round=3, client="0xA", amount=1, reason=PenaltyReason.NOT_REVEALED),
        ]
    )
    assert "round 3 was void: too few reveals" in judge(history)
    assert "clinic was penalised in round 3: not revealed" in judge(history)
