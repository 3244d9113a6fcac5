"""What a node published before on the same global, in rounds that gave no new one, and whether it may publish again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.errors import FedError
from fedprotocol.types import VoidReason

from fednode.daemon.action_context import Tools
from fednode.daemon.facts import UpdateVerdict
from fednode.masking.members import Published, changed_set
from fednode.masking.site_journal import MaskJournal

UNPUBLISHED = (VoidReason.TOO_FEW_COMMITS, VoidReason.TOO_FEW_REVEALS)
"""Nobody publishes before all have revealed."""


class Unsafe(FedError):
    """Taking part in a masked round would show more than a sum."""


class OlderJournal(Unsafe):
    """The chain shows that this account did what the journal does not know."""


@dataclass(frozen=True)
class _Earlier:
    """A round before, on the same global, in which this account revealed. `clients` by index of their update."""

    number: int
    root: bytes
    clients: tuple[str, ...]
    was_published: bool


def require_same_set(tools: Tools, number: int, prior_root: bytes, members: Collection[str]) -> None:
    """Raise Unsafe unless this site may publish in round `number`, on the global `prior_root`, for these `members`;
    OlderJournal if the journal does not know of a round before. Also raises ChainError, JournalError."""
    if why := changed_set(_published(tools, number, prior_root), members, _is_agreed(tools, number)):
        raise Unsafe(f"round {number}: {why}")


def require_likely_set(tools: Tools, number: int, prior_root: bytes) -> None:
    """The same before a commit, when nobody knows who will take part: raise Unsafe if a seat that is needed is gone, or
    this site is one that came later."""
    agreed = _is_agreed(tools, number)
    if not agreed and (without := _without_this_site(tools, number, prior_root)):
        raise Unsafe(
            f"round {number}: others published in round {without} on the same global, and the difference of both sums "
            "would show this site's update. It takes part again when a new global is final"
        )
    earlier = _published(tools, number, prior_root)
    seated = set(tools.coordinator.clients())
    for published in earlier:
        if why := changed_set([published], published.members & seated, agreed):
            raise Unsafe(f"round {number}: {why}")


def _is_agreed(tools: Tools, number: int) -> bool:
    """Whether a person agreed to other members in this round."""
    private = tools.config.private
    return private is not None and number in private.changed_in


def _without_this_site(tools: Tools, number: int, prior_root: bytes) -> int | None:
    """A round before, on the same global, for which others published and this account did not reveal. A node that lies
    about it could not be caught here: the others catch it, who do not publish for a larger set."""
    coordinator, account = tools.coordinator, str(tools.sender.address)
    for before in range(coordinator.latest_final()[0] + 1, number):
        view = coordinator.round_view(before)
        is_published = view.prior_root == prior_root and view.revealed and view.void_reason not in UNPUBLISHED
        if is_published and coordinator.update_index(before, account) is None:
            return before
    return None


def _published(tools: Tools, number: int, prior_root: bytes) -> list[Published]:
    journal, found = MaskJournal(tools.journal), []
    for earlier in _earlier(tools.coordinator, str(tools.sender.address), number, prior_root):
        fixed = journal.fixed(earlier.number)
        known = {record.root for record in tools.journal.updates(earlier.number)}
        if fixed is None or earlier.root not in known:
            raise OlderJournal(
                f"this account revealed in round {earlier.number}, and this journal does not know of it: it is an "
                "older copy, or another one belongs to this account. Go on with the newest one; without it, this "
                "account takes part again when a new global is final"
            )
        if earlier.was_published or journal.published(earlier.number):
            checked = tools.memory.checked.get(earlier.number)
            verdicts = {} if checked is None else checked.verdicts
            absent = {earlier.clients[index] for index, one in verdicts.items() if one is UpdateVerdict.ABSENT}
            found.append(Published(earlier.number, frozenset(fixed.members), frozenset(fixed.members.keys() - absent)))
    return found


def _earlier(coordinator: Coordinator, account: str, number: int, prior_root: bytes) -> list[_Earlier]:
    """Rounds since the newest final global, up to the one before `number`."""
    found = []
    for before in range(coordinator.latest_final()[0] + 1, number):
        index = coordinator.update_index(before, account)
        if index is None:
            continue
        view = coordinator.round_view(before)
        if view.prior_root == prior_root:
            updates = coordinator.updates(before)
            clients = tuple(update.client for update in updates)
            found.append(_Earlier(before, updates[index].root, clients, view.void_reason not in UNPUBLISHED))
    return found
