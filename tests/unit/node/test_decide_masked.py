"""What a node does next in a masked round, on tables of snapshots and facts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fednode.daemon.actions import registry as do
from fednode.daemon.decide import decide
from fednode.daemon.facts import Facts, MaskStep, OwnUpdate
from fednode.daemon.wait_reason import Cause
from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.program.backoff import Setback
from fedprotocol.types import Commitment, Phase, Update
from support.decisions import ABSENT, GENESIS_HELD, GOOD, checked, not_done
from support.node_facts import node_facts
from support.snapshots import CONFIG, GENESIS, ME, OTHER, VIEW, ZERO, root, state
from support.snapshots import chain as public_chain

KEY, Y = root("key"), root("masked")
COMMITTED = Commitment(KEY, GENESIS, 10)
MASKED = replace(CONFIG, mantissa_bits=32, max_shift=0, min_clients=3)
REVEAL = state(1, Phase.REVEAL, my_commitment=COMMITTED)
UPDATES = tuple(Update(who, y, 10, 0, attested=False, yes=10) for who, y in ((ME, Y), (OTHER, root("other"))))
ATTEST = state(1, Phase.ATTEST, my_commitment=COMMITTED, my_index=0, updates=UPDATES)


def chain(*rounds: Any, **changes: Any) -> Snapshot:
    return public_chain(*rounds, **{"config": MASKED, "active_count": 3, **changes})


def own(step: MaskStep, key: bytes = KEY) -> dict[int, OwnUpdate]:
    y = Y if step >= MaskStep.MASKED else ZERO
    return {1: OwnUpdate(GENESIS, y, key, frozenset({key} - {b""}), step)}


def facts(step: MaskStep, **more: Any) -> Facts:
    return node_facts(fetched=GENESIS_HELD, updates=own(step), **more)


TABLE: dict[str, tuple[Snapshot, Facts, do.Action]] = {
    "what was trained needs a key, which is committed": (
        chain(state(1, Phase.TRAIN)),
        node_facts(fetched=GENESIS_HELD, updates=own(MaskStep.TRAINED, b"")),
        do.Commit(1),
    ),
    "a key that is not the newest on this prior is replaced": (
        chain(state(1, Phase.TRAIN, my_commitment=Commitment(root("lost"), GENESIS, 10))),
        facts(MaskStep.TRAINED),
        do.Commit(1),
    ),
    "the set comes first": (chain(REVEAL), facts(MaskStep.TRAINED), do.FixMembers(1)),
    "then the masks": (chain(REVEAL), facts(MaskStep.FIXED), do.Mask(1)),
    "then the root alone": (chain(REVEAL), facts(MaskStep.MASKED), do.Reveal(1)),
    "the content when all have revealed": (
        chain(ATTEST),
        facts(MaskStep.MASKED),
        do.Publish(1, root("inputs")),
    ),
    "then the others' is fetched": (chain(ATTEST), facts(MaskStep.SERVED), do.CheckInputs(1, root("inputs"))),
    "and what is good is vouched for": (
        chain(ATTEST),
        facts(MaskStep.SERVED, checked=checked(_0=GOOD, _1=GOOD)),
        do.Attest(1, root("inputs"), 0b11),
    ),
    "an absent one is not": (
        chain(ATTEST, time=VIEW.phase_end - 1),
        facts(MaskStep.SERVED, checked=checked(_0=GOOD, _1=ABSENT)),
        do.Attest(1, root("inputs"), 0b01),
    ),
    "who could not publish still looks at the others'": (
        chain(ATTEST, time=(VIEW.phase_start + VIEW.phase_end) // 2),
        facts(MaskStep.MASKED, **not_done(do.Publish(1, root("inputs")), Setback("no"))),
        do.CheckInputs(1, root("inputs")),
    ),
    "secrets of a settled round are erased": (
        chain(state(1, Phase.VOID), last_opened=1, closed=True),
        node_facts(unerased=frozenset({1})),
        do.Erase(1),
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_comes_next(name: str) -> None:
    snapshot, known, expected = TABLE[name]
    assert decide(snapshot, known) == expected


@pytest.mark.parametrize(
    ("snapshot", "known"),
    [
        (chain(replace(REVEAL, my_index=0)), facts(MaskStep.TRAINED)),
        (chain(replace(REVEAL, my_index=0)), facts(MaskStep.FIXED)),
        (chain(replace(REVEAL, my_index=0)), facts(MaskStep.MASKED)),
        (chain(REVEAL), facts(MaskStep.TRAINED, forbidden="the policy says no")),
        (chain(REVEAL), facts(MaskStep.FIXED, forbidden="the policy says no")),
        (chain(ATTEST), facts(MaskStep.MASKED, forbidden="the policy says no")),
        # what this account revealed is not what this journal masked: an older copy of it publishes nothing
        (chain(ATTEST), node_facts(updates={1: replace(own(MaskStep.MASKED)[1], root=root("older"))})),
        (chain(ATTEST), facts(MaskStep.FIXED)),
        (chain(ATTEST), facts(MaskStep.TRAINED)),
    ],
)
def test_nothing_of_the_update_leaves_twice_too_early_or_against_the_policy(snapshot: Snapshot, known: Facts) -> None:
    action = decide(snapshot, known)
    assert not isinstance(action, do.FixMembers | do.Mask | do.Reveal | do.Publish), action


def test_keys_of_open_and_of_coming_rounds_are_kept() -> None:
    for number in (1, 2):
        assert not isinstance(decide(chain(ATTEST), facts(MaskStep.SERVED, unerased=frozenset({number}))), do.Erase)


@pytest.mark.parametrize("known", [own(MaskStep.TRAINED, b""), {}])
def test_no_round_is_begun_without_the_sites_own_peers(known: dict[int, OwnUpdate]) -> None:
    started = chain(state(1, Phase.TRAIN))
    assert isinstance(decide(started, node_facts(fetched=GENESIS_HELD, updates=known)), do.Commit | do.Train)
    wait = decide(started, node_facts(fetched=GENESIS_HELD, updates=known, alone="1 of at least 2 of its own peers"))
    assert isinstance(wait, do.Wait) and wait.cause is Cause.ALONE
    assert "1 of at least 2 of its own peers" in wait.describe()


def test_but_a_round_that_was_begun_goes_on() -> None:
    assert decide(chain(REVEAL), facts(MaskStep.MASKED, alone="they left")) == do.Reveal(1)


def test_the_status_says_why_it_refuses_a_set() -> None:
    why = Setback("round 1: 1 of at least 2 of its own peers ([private] peers) take part")
    wait = decide(chain(REVEAL), facts(MaskStep.TRAINED, **not_done(do.FixMembers(1), why)))
    assert isinstance(wait, do.Wait) and why.why in wait.describe()
