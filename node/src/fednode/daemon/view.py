"""Questions about a snapshot that several decisions ask."""

from __future__ import annotations

from fedprotocol.chain.snapshot import RoundState, Snapshot
from fedprotocol.chain.types import Phase, Proposal

from fednode.daemon.facts import Facts

ZERO = bytes(32)
TURN = 12  # seconds: a block of Ethereum


def unsettled(chain: Snapshot) -> list[RoundState]:
    """Rounds that are still open in any way, oldest first."""
    return [state for state in chain.rounds if not state.view.phase.settled]


def is_matching(state: RoundState) -> bool:
    """Whether this account committed to the prior that the round turned out to have (or may still turn out to)."""
    commitment = state.my_commitment
    return commitment is not None and state.view.prior_root in (ZERO, commitment.prior_root)


def is_over(chain: Snapshot) -> bool:
    """No round is open and none will be."""
    return not unsettled(chain) and (chain.closed or chain.final_count >= chain.config.total_rounds)


def turn(chain: Snapshot, state: RoundState, proposal: Proposal) -> int:
    """The chain time from which this account challenges `proposal`: the clients of the round take turns, so that not
    all of them pay for the same conviction. Everybody's turn comes in the first half of the shortest window."""
    if state.my_index is None:
        return proposal.completed_at
    clients = len(state.updates)
    place = (state.my_index + int.from_bytes(proposal.root)) % clients
    window = min(chain.config.min_window, chain.config.challenge_length)
    return proposal.completed_at + min(place * TURN, place * window // (2 * clients))


def obstacle(chain: Snapshot) -> str:
    """Why the next round cannot open now, in words; empty if it can."""
    config, last = chain.config, chain.round(chain.last_opened)
    if last is not None and last.view.phase in (Phase.TRAIN, Phase.WAITING, Phase.REVEAL, Phase.ATTEST):
        return f"round {last.number} is in {last.view.phase.name.title()}"
    if chain.closed:
        return "the sponsor closed the federation"
    if chain.final_count + len(unsettled(chain)) >= config.total_rounds:
        return f"the last of {config.total_rounds} rounds is open" if unsettled(chain) else "all rounds are final"
    if chain.active_count < config.min_clients:
        return f"{chain.active_count} of at least {config.min_clients} clients have joined"
    if chain.balances.pool < config.round_reward:
        return f"the pool holds {chain.balances.pool} token units, a round needs {config.round_reward}: fund it"
    return ""


def target_round(chain: Snapshot) -> int | None:
    """The round this account may commit in now: the one in Train, or else the next one if it may open."""
    last = chain.round(chain.last_opened)
    if last is not None and last.view.phase is Phase.TRAIN:
        number = last.number
    elif obstacle(chain):
        return None
    else:
        number = chain.last_opened + 1
    return number if chain.my_seat.active_in(number) else None


def expected_prior(chain: Snapshot, facts: Facts, number: int) -> bytes | None:
    """Root of the global adapter that round `number` starts from; None while that is not known.

    While the round before is unsettled it is what this node computed itself, never what somebody proposed.
    """
    state = chain.round(number)
    if state is not None and state.view.prior_root != ZERO:
        return state.view.prior_root
    before = chain.round(number - 1)
    if before is not None and not before.view.phase.settled:
        return facts.recomputed.get(number - 1)
    return chain.latest_final[1]
