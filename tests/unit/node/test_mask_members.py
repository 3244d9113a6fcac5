"""With whom a site takes part in a masked round."""

from __future__ import annotations

import pytest
from fednode.masking.members import Published, changed_set, too_few_peers

A, B, C, D, ME = ("0x" + 20 * digit for digit in ("aa", "bb", "cc", "dd", "11"))
BEFORE = Published(3, frozenset({A, B, C, ME}), frozenset({A, B, ME}))


@pytest.mark.parametrize(
    ("present", "is_enough"),
    [({A, B}, True), ({A, B, C, D}, True), ({A, C, D}, False), ({A, ME}, False), (set(), False)],
)
def test_only_peers_of_the_sites_own_list_count(present: set[str], is_enough: bool) -> None:
    """A sponsor can seat any number of accounts; this one's own account is no peer either."""
    why = too_few_peers([A, B, ME], 2, ME, present)
    assert (why == "") is is_enough
    assert is_enough or B in why


@pytest.mark.parametrize(
    ("members", "is_same"),
    [
        ({A, B, C, ME}, True),
        ({A, B, ME}, True),  # C's update never came: the earlier sum stays hidden
        ({A, C, ME}, False),  # the difference would be B's update
        ({A, B, ME, D}, False),  # or D's
        ({A, B, C, D, ME}, False),
    ],
)
def test_a_round_on_the_same_global_has_the_same_members_but_those_who_never_served(
    members: set[str], is_same: bool
) -> None:
    why = changed_set([BEFORE], members)
    assert (why == "") is is_same
    assert is_same or ("round 3" in why and "changed_in" in why and (B in why or D in why))
    assert changed_set([BEFORE], members, agreed=True) == ""


def test_it_holds_against_every_round_before() -> None:
    smaller = Published(4, frozenset({A, B, ME}), frozenset({A, B, ME}))
    assert changed_set([BEFORE, smaller], {A, B, ME}) == ""
    assert C in changed_set([BEFORE, smaller], {A, B, C, ME}), "C came again"
    assert changed_set([], {A, D}) == "", "nothing was published on this global"
