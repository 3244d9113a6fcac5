"""Everything one account's program decides by, read in one call at one block (`contracts/lens/FederationLens.sol`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from web3 import Web3
from web3.types import BlockIdentifier

from fedprotocol.chain.abi import convert, entry, load, named
from fedprotocol.chain.coordinator import Coordinator
from fedprotocol.chain.errors import RpcRefused, translated
from fedprotocol.chain.types import Balances, Commitment, FederationConfig, Proposal, RoundView, Seat, Update

# The lens is not deployed anywhere: eth_call puts its code at this address for the time of the call.
LENS_ADDRESS = Web3.to_checksum_address(Web3.keccak(text="fedprotocol.FederationLens")[-20:])


@dataclass(frozen=True)
class RoundState:
    """One round with what concerns the account."""

    number: int
    view: RoundView
    updates: tuple[Update, ...]
    proposals: tuple[Proposal, ...]  # live, oldest first
    my_commitment: Commitment | None
    my_index: int | None  # of the account's update
    my_pages: int  # pages of the account's unfinished proposal already in
    bond: int  # what a proposal would cost now, token units


@dataclass(frozen=True)
class Snapshot:
    """One block's truth. Money in token units, `eth` in wei, `time` in the chain's seconds."""

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
    balances: Balances
    eth: int
    tokens: int
    allowance: int  # of the account towards the coordinator

    def round(self, number: int) -> RoundState | None:
        return next((r for r in self.rounds if r.number == number), None)


def take_snapshot(coordinator: Coordinator, account: str, block: BlockIdentifier = "pending") -> Snapshot:
    """Read it. Errors: those of Coordinator's reads; RpcRefused also if the node takes no state overrides."""
    lens = coordinator.web3.eth.contract(address=LENS_ADDRESS, abi=load("lens"))
    try:
        with translated("snapshot"):
            raw = lens.functions.take(coordinator.address, account).call(
                block_identifier=block, state_override={LENS_ADDRESS: {"code": load("lens_code")}}
            )
    except RpcRefused as error:
        raise RpcRefused(f"{error}; the node must support eth_call with state overrides") from error
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
        balances=convert(Balances, inner["balances"], s["balances"]),
        eth=s["eth"],
        tokens=s["tokens"],
        allowance=s["allowance"],
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
        bond=r["bond"],
    )
