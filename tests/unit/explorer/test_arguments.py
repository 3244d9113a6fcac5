"""Every argument of the federation's events and calls has a kind by which it is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fedexplorer.arguments import MOST_DIGESTS, MOST_ITEMS, Kind, is_named, of_call, of_event
from fedexplorer.transactions.contracts import ABIS
from fedprotocol.chain.abi import entry, load
from fedprotocol.types import PenaltyReason

ANN = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


def leaves(components: list[Any]) -> Iterator[Any]:
    for component in components:
        yield from leaves(component["components"]) if "components" in component else [component]


def written() -> Iterator[Any]:
    """The inputs of all events, and of all functions that change something."""
    for abi in ABIS.values():
        for one in load(abi):
            if one["type"] == "event" or one.get("stateMutability") == "nonpayable":
                for component in leaves(one["inputs"]):
                    yield pytest.param(component, id=f"{abi}-{one['name']}-{component['name']}")


@pytest.mark.parametrize("component", list(written()))
def test_each_has_a_meaning(component: Any) -> None:
    """A new argument of the contracts must be looked at: is it money, a time, a count?"""
    assert component["name"] and is_named(component)


def test_an_event_is_drawn_by_kinds() -> None:
    args = {"round": 3, "client": ANN, "amount": 10**18, "reason": PenaltyReason.NOT_REVEALED}
    shown = of_event(entry("coordinator", "event", "Penalized")["inputs"], args)
    assert [(a.name, a.kind, a.value) for a in shown] == [
        ("round", Kind.ROUND, 3),
        ("client", Kind.ACCOUNT, ANN),
        ("amount", Kind.MONEY, 10**18),
        ("reason", Kind.WORD, "not revealed"),
    ]


def test_long_lists_are_cut_and_say_so() -> None:
    inputs = entry("coordinator", "function", "propose")["inputs"]
    digests = [bytes([1]) * 32] * (MOST_DIGESTS + 5)
    *_, last = of_call(inputs, (1, bytes(32), 7, 0, digests))
    assert last.kind is Kind.LIST and len(last.value) == MOST_DIGESTS and last.left_out == 5
    opening = (b"leaf", [bytes(32)])
    shown = {a.name: a for a in of_call(entry("disputes", "function", "carry")["inputs"], (ANN, step(opening, 20)))}
    assert (shown["step.updates.length"].value, shown["step.updates.length"].left_out) == (20, 20 - MOST_ITEMS)
    assert shown[f"step.updates[{MOST_ITEMS - 1}].leaf"].value == b"leaf"
    assert f"step.updates[{MOST_ITEMS}].leaf" not in shown


def step(opening: Any, count: int) -> Any:
    return 1, bytes(32), 0, (0, 0, b""), [opening] * count


def test_a_list_of_which_only_the_length_is_kept() -> None:
    args = {"round": 1, "proposer": ANN, "page": 0, "page_root": bytes(32), "digests": 450}
    *_, last = of_event(entry("coordinator", "event", "ProposalPaged")["inputs"], args)
    assert (last.kind, last.value, last.left_out) == (Kind.LIST, (), 450)
