"""When a node acts against a silent seat, so that rounds do not wait for it: late, and one node after the other.

A round's active clients are counted when it opens. So it is early enough to act once Train of the round that was opened
last is over, and until then a site that comes back has the whole of it to commit and keep its seat.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from eth_utils.crypto import keccak
from fedprotocol.chain.errors import ContractReverted
from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.types import Phase
from web3.contract.contract import ContractFunction

from fednode.daemon.action_context import Tools
from fednode.daemon.actions.action import Overtaken
from fednode.daemon.snapshot_questions import TURN, unsettled

LONGEST = 300  # seconds of chain time after which a stuck transaction is replaced, because duties wait for it
GONE = ("NotDroppable", "NotSeated")  # the client has acted meanwhile, or somebody else was quicker


def whose_turn_it_is(chain: Snapshot, clients: Sequence[str]) -> Iterator[str]:
    """The silent `clients` that this account should drop now, because it is its turn.

    There are none if no round comes that would wait for them, or if no round could open without them.
    """
    last, coming = chain.round(chain.last_opened), chain.last_opened + 1
    if last is None or last.view.phase is Phase.TRAIN or not chain.my_seat.active_in(coming):
        return
    is_last = chain.final_count + len(unsettled(chain)) >= chain.config.total_rounds
    if chain.closed or is_last or chain.active_count <= chain.config.min_clients:
        return
    since = last.view.settled_at or last.view.phase_start
    for client in clients:
        if client != chain.account and chain.time >= since + left_to_others(chain, client):
            yield client


def left_to_others(chain: Snapshot, client: str) -> int:
    """Seconds that this account leaves `client` to the others, who would pay for the same call. Everybody's turn comes
    in the first half of Reveal, another order for each client and round."""
    seats = max(1, chain.active_count)
    place = int.from_bytes(keccak(text=f"{chain.account} {client} {chain.last_opened}")) % seats
    return min(place * TURN, place * chain.config.reveal_length // (2 * seats))


def send(tools: Tools, chain: Snapshot, call: ContractFunction, label: str) -> None:
    """Send it. Raises Overtaken if there is nothing left to do; what `Sender.send` raises."""
    try:
        tools.sender.send(call, label, chain.time + LONGEST, confirmed=False)
    except ContractReverted as error:
        if error.name in GONE:
            raise Overtaken("it is not silent any more, or somebody else was quicker") from error
        raise
