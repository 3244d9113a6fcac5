"""What happened in the rounds, found from the coordinator's log alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from fedprotocol.chain.read.events import Event


@dataclass(frozen=True)
class RoundHistory:
    """One final round. Accounts are checksummed addresses, money is in token units."""

    number: int
    root: bytes
    aggregator: str
    weights: dict[str, int]  # weight of the accepted updates
    roots: dict[str, bytes]  # weight of every revealed update
    recomputed_by: tuple[str, ...]  # accounts whose commit in the next round names this root
    dissenters: tuple[str, ...]  # accounts whose commit in the next round names another


@dataclass(frozen=True)
class History:
    """The federation so far."""

    final: tuple[RoundHistory, ...] = ()
    void: dict[int, str] = field(default_factory=dict)  # round -> why it was void
    rewards: dict[str, int] = field(default_factory=dict)  # account -> earned in final rounds, once credited
    bonds: dict[str, int] = field(default_factory=dict)  # account -> bonds it got back
    paid: dict[str, int] = field(default_factory=dict)  # account -> what it claimed
    penalties: tuple[tuple[int, str, str], ...] = ()  # round, account, reason
    convicted: tuple[tuple[int, str], ...] = ()  # round, proposer


def read_history(events: Iterable[Event]) -> History:
    """The history that follows from `events`, which are in the order of the log."""
    commits: dict[int, dict[str, bytes]] = defaultdict(dict)
    reveals: dict[int, list[tuple[str, int, bytes]]] = defaultdict(list)  # by index: client, weight, root
    bitmaps: dict[int, dict[str, int]] = defaultdict(dict)
    finals: dict[int, tuple[bytes, str]] = {}
    void: dict[int, str] = {}
    rewards: dict[str, int] = defaultdict(int)
    bonds: dict[str, int] = defaultdict(int)
    paid: dict[str, int] = defaultdict(int)
    penalties: list[tuple[int, str, str]] = []
    convicted: list[tuple[int, str]] = []
    for event in events:
        args = event.args
        match event.name:
            case "Committed":
                commits[args["round"]][args["client"]] = args["prior_root"]
            case "Revealed":
                reveals[args["round"]].append((args["client"], args["weight"], args["root"]))
            case "Attested":
                bitmaps[args["round"]][args["client"]] = args["bitmap"]
            case "RoundFinalized":
                finals[args["round"]] = (args["root"], args["aggregator"])
                rewards[args["aggregator"]] += args["aggregator_reward"]
            case "RoundVoided":
                void[args["round"]] = args["reason"].name.replace("_", " ").lower()
            case "Rewarded":
                rewards[args["client"]] += args["amount"]
            case "BondReturned":
                bonds[args["proposer"]] += args["amount"]
            case "Claimed":
                paid[args["account"]] += args["amount"]
            case "Penalized":
                penalties.append((args["round"], args["client"], args["reason"].name.replace("_", " ").lower()))
            case "Convicted":
                convicted.append((args["round"], args["proposer"]))
    rounds = []
    for number, (root, aggregator) in sorted(finals.items()):
        following = commits.get(number + 1, {})
        accepted = accepted_indices([(client, weight) for client, weight, _ in reveals[number]], bitmaps[number])
        rounds.append(
            RoundHistory(
                number=number,
                root=root,
                aggregator=aggregator,
                weights={reveals[number][i][0]: reveals[number][i][1] for i in accepted},
                roots={client: update for client, _, update in reveals[number]},
                recomputed_by=tuple(client for client, prior in following.items() if prior == root),
                dissenters=tuple(client for client, prior in following.items() if prior != root),
            )
        )
    return History(tuple(rounds), void, dict(rewards), dict(bonds), dict(paid), tuple(penalties), tuple(convicted))


def accepted_indices(revealed: list[tuple[str, int]], bitmaps: dict[str, int]) -> list[int]:
    """Indices of the updates that two thirds of the revealed weight vouch for (`docs/protocol.md`, Attest).

    Args:
        revealed: (client, weight) by index.
        bitmaps: the votes of each attester.
    """
    total = sum(weight for _, weight in revealed)
    weights = dict(revealed)
    accepted = []
    for index, (client, weight) in enumerate(revealed):
        others = sum(weights[a] for a, bitmap in bitmaps.items() if a != client and bitmap >> index & 1)
        if 3 * (weight + others) >= 2 * total:
            accepted.append(index)
    return accepted
