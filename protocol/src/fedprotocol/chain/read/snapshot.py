"""Everything on which an account's program bases its decisions, read in one call at one block
(`contracts/lens/FederationLens.sol`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from web3 import Web3
from web3.types import BlockIdentifier

from fedprotocol.chain.abi import convert, entry, named
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.lens import ask
from fedprotocol.types import Balances, Commitment, FederationConfig, Proposal, RoundView, Seat, Update


@dataclass(frozen=True)
class RoundState:
    """One round, and what concerns the account in it."""

    number: int
    view: RoundView
    updates: tuple[Update, ...]
    proposals: tuple[Proposal, ...]  # the oldest 256 live proposals, oldest first
    my_commitment: Commitment | None
    my_index: int | None  # index of the account's update
    my_pages: int  # pages of the account's unfinished proposal that are already in


@dataclass(frozen=True)
class Snapshot:
    """The state of one block. Money is in token units, `eth` in wei, `time` in the chain's seconds."""

    chain_id: int
    block: int
    time: int
    config: FederationConfig
    rounds: tuple[RoundState, ...]  # the unsettled ones and the last settled one, oldest first
    latest_final: tuple[int, bytes]  # round (0: genesis) and root
    final_count: int
    last_opened: int
    closed: bool
    active_count: int
    account: str
    my_seat: Seat
    my_owed: int
    settled_seat: Seat  # what settling the account now would leave: penalties taken,
    settled_owed: int  # rewards and returned bonds credited
    bond_due: int  # will be credited when the account is next settled
    bond: int  # the bond that a proposal would cost the account
    balances: Balances
    eth: int
    tokens: int
    allowance: int  # what the account has approved for the coordinator
    seated: tuple[str, ...] = ()  # all accounts that hold a seat
    droppable: tuple[str, ...] = ()  # active, silent in the round opened last, and anybody may drop them
    indebted: tuple[str, ...] = ()  # likewise silent, and anybody's `settle` suspends them

    def round(self, number: int) -> RoundState | None:
        return next((r for r in self.rounds if r.number == number), None)

    @property
    def is_over(self) -> bool:
        """No round is open and none will be."""
        is_open = any(not state.view.phase.settled for state in self.rounds)
        return not is_open and (self.closed or self.final_count >= self.config.total_rounds)


def take_snapshot(coordinator: Coordinator, account: str, block: BlockIdentifier = "pending") -> Snapshot:
    """Read the snapshot. Raises the errors of Coordinator's reads."""
    raw = ask(coordinator.web3, coordinator.address, "take", [Web3.to_checksum_address(account)], block)
    output = entry("lens", "function", "take")["outputs"][0]
    inner = {c["name"]: c for c in output["components"]}
    s = named(output["components"], raw)
    return Snapshot(
        chain_id=s["chain_id"],
        block=s["block_number"],
        time=s["time"],
        config=convert(FederationConfig, inner["config"], s["config"]),
        rounds=tuple(_round(inner["rounds"]["components"], r) for r in s["rounds"]),
        latest_final=(s["latest_final_round"], s["latest_final_root"]),
        final_count=s["final_count"],
        last_opened=s["last_opened"],
        closed=s["closed"],
        active_count=s["active_count"],
        account=Web3.to_checksum_address(account),
        my_seat=convert(Seat, inner["seat"], s["seat"]),
        my_owed=s["owed"],
        settled_seat=convert(Seat, inner["settledSeat"], s["settled_seat"]),
        settled_owed=s["settled_owed"],
        bond_due=s["bond_due"],
        bond=s["bond"],
        balances=convert(Balances, inner["balances"], s["balances"]),
        eth=s["eth"],
        tokens=s["tokens"],
        allowance=s["allowance"],
        seated=tuple(s["seated"]),
        droppable=tuple(s["droppable"]),
        indebted=tuple(s["indebted"]),
    )


def _round(components: list[Any], raw: Any) -> RoundState:
    inner = {c["name"]: c for c in components}
    r = named(components, raw)
    commitment = convert(Commitment, inner["commitment"], r["commitment"])
    return RoundState(
        number=r["number"],
        view=convert(RoundView, inner["view_"], r["view"]),
        updates=convert(tuple[Update, ...], inner["updates"], r["updates"]),
        proposals=convert(tuple[Proposal, ...], inner["proposals"], r["proposals"]),
        my_commitment=commitment if any(commitment.hash) else None,
        my_index=r["index"] - 1 if r["index"] else None,
        my_pages=r["next_page"],
    )
