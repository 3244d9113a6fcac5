"""A typed client of the Disputes contract that a coordinator names. IDisputes explains it."""

from __future__ import annotations

from dataclasses import dataclass

from web3 import Web3
from web3.contract.contract import ContractFunction
from web3.types import BlockIdentifier

from fedprotocol.chain.abi import load
from fedprotocol.chain.errors import translated
from fedprotocol.chain.read.coordinator import Coordinator


@dataclass(frozen=True)
class Opening:
    """A leaf and its path to its tree's root: sibling digests, leaf level first."""

    leaf: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True)
class Sums:
    """The rule's sums at one leaf over the first `count` accepted updates; `values` in the form of the rule's
    contract."""

    count: int = 0
    weight: int = 0
    values: bytes = b""

    @property
    def digest(self) -> bytes:
        """The digest that the contract keeps of them; 32 zero bytes before the first update."""
        if self.count == 0:
            return bytes(32)
        return bytes(Web3.keccak(self.weight.to_bytes(8, "big") + self.values))


@dataclass(frozen=True)
class Step:
    """A step that adds more accepted updates to partial sums (`carry`)."""

    round: int
    inputs_hash: bytes
    leaf_index: int
    start: Sums
    updates: tuple[Opening, ...]


@dataclass(frozen=True)
class Accusation(Step):
    """The step that adds the last accepted updates of a masked round, one sum of which is out of range (`impeach`)."""


@dataclass(frozen=True)
class Proof:
    """A proof that one leaf of a proposal is wrong (`challenge`)."""

    round: int
    proposal_root: bytes
    inputs_hash: bytes
    leaf_index: int  # of the updates' trees
    part: int  # the leaf's parts in the global's tree, by the rule
    prior: tuple[Opening, ...]  # every part
    claimed_digest: bytes
    claimed_path: tuple[bytes, ...]
    start: Sums
    updates: tuple[Opening, ...]  # to the last accepted one


class Disputes:
    """Reads, and builds calls. Reads raise the same errors as those of Coordinator."""

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator.address
        self.address = Web3.to_checksum_address(coordinator.config().disputes)
        self.contract = coordinator.web3.eth.contract(address=self.address, abi=load("disputes"))

    def carried(self, round_number: int, leaf_index: int, block: BlockIdentifier = "pending") -> list[bytes]:
        """Item n is the digest of the sums after n accepted updates; 32 zero bytes if no call has reached n."""
        with translated("carried"):
            call = self.contract.functions.carried(self._coordinator, round_number, leaf_index)
            return [bytes(digest) for digest in call.call(block_identifier=block)]

    def call(self, what: Step | Proof) -> ContractFunction:
        """`carry` of a step, `impeach` with an accusation, `challenge` with a proof."""
        call: ContractFunction = self.contract.get_function_by_name(call_name(what))(self._coordinator, _tuple(what))
        return call


def call_name(what: Step | Proof) -> str:
    """The contract's function that takes it."""
    if isinstance(what, Proof):
        return "challenge"
    return "impeach" if isinstance(what, Accusation) else "carry"


def calldata(call: ContractFunction) -> bytes:
    """The transaction's input."""
    return bytes.fromhex(call._encode_transaction_data().removeprefix("0x"))


def _tuple(value: Step | Proof | Sums | Opening) -> tuple[object, ...]:
    """The fields in the order of the ABI."""
    return tuple(
        _tuple(v) if isinstance(v, Sums) else [_tuple(o) for o in v] if name in ("updates", "prior") else v
        for name, v in vars(value).items()
    )
