"""What a site's policy allows, on tables of policies, practices and logs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from eth_account import Account
from fednode.policy.document import PolicyFile
from fednode.policy.entries import Approved, Left
from fednode.policy.log import History, Line
from fednode.policy.verdict import Practice, judged, missing_peers, refusal, without_policy
from support.site_policies import COORDINATOR, KEY, PEERS, PRACTICE, SPEC, approved, left, policy_file

POLICY = policy_file()
STRANGER = Account.from_key(bytes([9]) * 32)


def log(*entries: Approved | Left, gaps: tuple[int, ...] = (), is_cut: bool = False) -> History:
    lines = tuple(Line(entry, f"0x{place:064x}", place not in gaps) for place, entry in enumerate(entries))
    return History(lines, is_cut)


def why(policy: PolicyFile = POLICY, practice: Practice = PRACTICE, history: History | None = None) -> str:
    return refusal(judged(policy, practice, log(approved(policy)) if history is None else history))


def test_an_approved_federation_is_allowed() -> None:
    assert why() == ""
    assert why(history=log(left(1), approved(POLICY), left(2))) == ""


@pytest.mark.parametrize(
    ("policy", "practice", "words"),
    [
        (policy_file("0x" + 64 * "1"), {}, f"does not name the federation with the spec {SPEC}"),
        (policy_file(modes=["masked"]), {}, "the federation is public (everybody sees this site's update, for ever)"),
        (policy_file(), {"mode": "masked"}, "the federation is masked"),
        (policy_file(min_noise=1.0), {}, "adds no noise, and the policy wants at least 1"),
        (policy_file(min_noise=1.0), {"noise": 0.99}, "adds noise of 0.99, and the policy wants at least 1"),
    ],
)
def test_what_the_policy_does_not_allow(policy: PolicyFile, practice: dict[str, Any], words: str) -> None:
    assert words in why(policy, replace(PRACTICE, **practice))


@pytest.mark.parametrize(
    ("policy", "practice"),
    [
        (policy_file(modes=["public", "masked"]), {"mode": "masked"}),
        (policy_file(min_noise=1.0), {"noise": 1.0}),
        (policy_file(), {"noise": 3.0}),
    ],
)
def test_what_it_allows(policy: PolicyFile, practice: dict[str, Any]) -> None:
    assert why(policy, replace(PRACTICE, **practice)) == ""


@pytest.mark.parametrize(
    ("history", "words"),
    [
        (log(), "nobody has approved this policy for this federation"),
        (log(approved(policy_file(min_noise=0.5))), "was another text of the policy"),
        (log(approved(POLICY, key=STRANGER)), "this site's key did not sign"),
        (log(approved(POLICY, account=STRANGER.address, key=STRANGER)), "nobody has approved"),
        (log(approved(POLICY, spec="0x" + 64 * "2")), "nobody has approved"),
        (log(approved(POLICY, coordinator=STRANGER.address)), "nobody has approved"),
        (log(approved(POLICY, chain_id=6)), "nobody has approved"),
    ],
)
def test_an_approval_is_for_one_text_one_federation_and_one_account(history: History, words: str) -> None:
    assert words in why(history=history)
    assert "`fednode policy approve`" in why(history=history)


@pytest.mark.parametrize("field", ["by", "at", "site", "federation", "spec", "chain_id", "coordinator", "policy"])
def test_a_signature_holds_for_every_line_of_the_statement(field: str) -> None:
    other: dict[str, Any] = {"chain_id": 6, "coordinator": STRANGER.address, "at": "2026-11-28T12:00:01Z"}
    changed = approved(POLICY).model_copy(update={field: other.get(field, "0x" + 64 * "3")})
    assert approved(POLICY).is_signed and not changed.is_signed


def test_no_name_can_add_a_line_to_the_statement() -> None:
    with pytest.raises(ValueError, match="line breaks"):
        approved(POLICY, by=f"J. Doe\nspec: {SPEC}")


def test_a_log_with_a_gap_needs_a_new_approval() -> None:
    first = approved(POLICY)
    for history in (
        log(first, left(1), left(2), gaps=(2,)),
        log(first, left(1), is_cut=True),
        log(left(1), first, left(3), gaps=(0, 2)),
    ):
        assert "put back the file from your backup" in why(history=history)
        assert "does not go on from what this node remembers" in why(history=history)
    assert why(history=log(left(1), approved(POLICY), gaps=(1,))) == "", "which itself stands behind the gap"
    assert why(history=log(left(1), left(3), approved(POLICY), gaps=(1,))) == ""
    forged = log(first, left(1), approved(POLICY, key=STRANGER), gaps=(1,))
    assert "put back the file" in why(history=forged)


def test_a_site_that_has_approved_a_policy_cannot_do_without() -> None:
    assert refusal(without_policy(log(left(1)))) == ""
    assert "the config names none" in refusal(without_policy(log(approved(POLICY), left(1))))


def test_which_peers_are_missing() -> None:
    two = policy_file(peers=list(PEERS), at_least=2).policy.allowance(SPEC)
    everyone = policy_file(peers=list(PEERS)).policy.allowance(SPEC)
    own = policy_file(peers=[PEERS[0], KEY.address]).policy.allowance(SPEC)
    assert two is not None and everyone is not None and own is not None
    assert missing_peers(two, KEY.address, [*PEERS[:2], COORDINATOR]) == ""
    assert missing_peers(two, KEY.address, [PEERS[0], COORDINATOR]) == (
        f"1 of at least 2 peers that the policy names take part; missing: {PEERS[1]}, {PEERS[2]}"
    )
    assert PEERS[2] in missing_peers(everyone, KEY.address, PEERS[:2])
    assert missing_peers(own, KEY.address, [PEERS[0], KEY.address]), "the site is no peer of its own"
