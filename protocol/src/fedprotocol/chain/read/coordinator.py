"""A typed client of one FederationCoordinator."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, TypeVar

from eth_abi.abi import encode
from eth_utils.abi import collapse_if_tuple
from web3 import Web3
from web3.types import BlockIdentifier

from fedprotocol.address import parse_address
from fedprotocol.chain.abi import entry, load, struct
from fedprotocol.chain.calls import Calls
from fedprotocol.chain.endpoint.rpc import TIMEOUT, connect_web3
from fedprotocol.chain.errors import ChainError, ContractReverted, NoContract, NotACoordinator, translated
from fedprotocol.chain.read.lens import ask
from fedprotocol.chain.read.token import Token
from fedprotocol.hashes import commit_hash
from fedprotocol.types import Balances, Commitment, FederationConfig, Proposal, RoundView, Seat, Update

T = TypeVar("T")
OWN_VIEWS = ("config", "update")  # these the contract answers itself; all other questions go through the lens
MOST_PROPOSALS = 256


class Coordinator:
    """Reads and call builders.

    Every read takes `block`, by default "pending": phases are views of the chain's time, and at "latest" that is the
    time of the last block, which on a quiet chain may be long ago.

    Raises (from every read): ChainUnreachable, ContractReverted, NotACoordinator, RpcRefused.
    """

    def __init__(self, web3: Web3, address: str, chain_id: int) -> None:
        self.web3 = web3
        self.address = Web3.to_checksum_address(address)
        self.chain_id = chain_id
        self.contract = web3.eth.contract(address=self.address, abi=load("coordinator"))
        self.calls = Calls(self.contract)

    @classmethod
    def connect(cls, rpc: str | Sequence[str], address: str, chain_id: int, timeout: float = TIMEOUT) -> Coordinator:
        """The coordinator at `address` of chain `chain_id`, through one RPC URL or several (tried in order), of which
        each has `timeout` seconds for an answer.

        Raises ChainError (not an address), ChainUnreachable, WrongChain, NoContract, NotACoordinator.
        """
        try:
            checksummed = parse_address(address)
        except ValueError as error:
            raise ChainError(f"the coordinator's address {address!r} {error}") from None
        web3 = connect_web3(rpc, chain_id, timeout)
        coordinator = cls(web3, checksummed, chain_id)
        if not coordinator.code:
            raise NoContract(
                f"there is no contract at {coordinator.address} on chain {chain_id}: "
                "check the coordinator's address (was the chain started anew?)"
            )
        try:
            coordinator.config()
            coordinator.last_opened()
        except (ContractReverted, NotACoordinator) as error:
            raise NotACoordinator(
                f"the contract at {coordinator.address} is no FederationCoordinator of this version: check the address"
            ) from error
        return coordinator

    def head(self) -> int:
        """The number of the newest block."""
        with translated("eth_blockNumber"):
            return int(self.web3.eth.block_number)

    @cached_property
    def code(self) -> bytes:
        """The code at the address; empty if there is none."""
        with translated("eth_getCode"):
            return bytes(self.web3.eth.get_code(self.address))

    @cached_property
    def token(self) -> Token:
        return Token(self.web3, self.config().token)

    @cached_property
    def rule_name(self) -> str:
        """The name that the federation's aggregation rule gives itself on-chain. Raises ChainError."""
        address = Web3.to_checksum_address(self.config().rule)
        with translated(f"the name of the rule {address}"):
            return str(self.web3.eth.contract(address=address, abi=load("rule")).functions.name().call())

    @cached_property
    def rule_parameters(self) -> tuple[int, ...]:
        """What the constructor of the rule's contract was given: s and B in a masked federation, otherwise nothing.
        Raises ChainError."""
        if not self.config().is_masked:
            return ()
        address = Web3.to_checksum_address(self.config().rule)
        with translated(f"the parameters of the rule {address}"):
            functions = self.web3.eth.contract(address=address, abi=load("rule")).functions
            return int(functions.scale().call()), int(functions.bound().call())

    def commit_hash(
        self, round_number: int, sender: str, prior_root: bytes, root: bytes, shift: int, examples: int, salt: bytes
    ) -> bytes:
        """The result of `commit_hash` for this chain and this coordinator."""
        return commit_hash(self.chain_id, self.address, round_number, sender, prior_root, root, shift, examples, salt)

    # ------------------------------------------------------------------ reads

    def config(self, block: BlockIdentifier = "pending") -> FederationConfig:
        return self._struct(FederationConfig, "config", block)

    def raw_config(self) -> bytes:
        """The configuration as the constructor takes it, ABI-encoded."""
        return encode([collapse_if_tuple(dict(_output("config")))], [self._read("config", "pending")])

    def balances(self, block: BlockIdentifier = "pending") -> Balances:
        return self._struct(Balances, "balances", block)

    def seat(self, account: str, block: BlockIdentifier = "pending") -> Seat:
        return self._struct(Seat, "seat", block, account)

    def owed(self, account: str, block: BlockIdentifier = "pending") -> int:
        return int(self._read("owed", block, account))

    def clients(self, block: BlockIdentifier = "pending") -> tuple[str, ...]:
        return tuple(self._read("clients", block))

    def active_count(self, block: BlockIdentifier = "pending") -> int:
        return int(self._read("activeCount", block))

    def silent(self, block: BlockIdentifier = "pending") -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Active clients that have not committed in the round opened last: whom anybody may drop, and whom anybody's
        `settle` suspends. It means something once Train of that round is over."""
        droppable, indebted = self._read("silent", block)
        return tuple(droppable), tuple(indebted)

    def last_opened(self, block: BlockIdentifier = "pending") -> int:
        return int(self._read("lastOpened", block))

    def final_count(self, block: BlockIdentifier = "pending") -> int:
        return int(self._read("finalCount", block))

    def latest_final(self, block: BlockIdentifier = "pending") -> tuple[int, bytes]:
        """Round and root of the newest final global; round 0 is the genesis adapter."""
        number, root = self._read("latestFinal", block)
        return int(number), bytes(root)

    def is_closed(self, block: BlockIdentifier = "pending") -> bool:
        return bool(self._read("isClosed", block))

    def round_view(self, round_number: int, block: BlockIdentifier = "pending") -> RoundView:
        return self._struct(RoundView, "roundView", block, round_number)

    def commitment(self, round_number: int, client: str, block: BlockIdentifier = "pending") -> Commitment:
        return self._struct(Commitment, "commitment", block, round_number, client)

    def update_index(self, round_number: int, client: str, block: BlockIdentifier = "pending") -> int | None:
        """The index of the client's update; None if it revealed none."""
        position = int(self._read("updateIndex", block, round_number, client))
        return position - 1 if position else None

    def updates(self, round_number: int, block: BlockIdentifier = "pending") -> tuple[Update, ...]:
        return self._structs(Update, "updates", block, round_number)

    def update(self, round_number: int, index: int, block: BlockIdentifier = "pending") -> Update:
        return self._struct(Update, "update", block, round_number, index)

    def proposals(
        self, round_number: int, limit: int = MOST_PROPOSALS, block: BlockIdentifier = "pending"
    ) -> tuple[Proposal, ...]:
        """The oldest `limit` live proposals."""
        return self._structs(Proposal, "proposals", block, round_number, limit)

    def proposal(self, round_number: int, root: bytes, block: BlockIdentifier = "pending") -> Proposal | None:
        """The live proposal of `root`; None if there is none."""
        found = self._struct(Proposal, "proposal", block, round_number, root)
        return found if found.completed_at else None

    def pages_of(self, round_number: int, proposer: str, block: BlockIdentifier = "pending") -> int:
        return int(self._read("pagesOf", block, round_number, proposer))

    def bond_of(self, proposer: str, block: BlockIdentifier = "pending") -> int:
        """The bond that this account would have to pay for a proposal, in token units."""
        return int(self._read("bondOf", block, proposer))

    def bond_due(self, proposer: str, block: BlockIdentifier = "pending") -> int:
        """A bond that will be credited when this account is next settled, in token units."""
        return int(self._read("bondDue", block, proposer))

    # ---------------------------------------------------------------- plumbing

    def _read(self, name: str, block: BlockIdentifier, *arguments: Any) -> Any:
        if name in OWN_VIEWS:
            with translated(name):
                return self.contract.get_function_by_name(name)(*arguments).call(block_identifier=block)
        return ask(self.web3, self.address, name, arguments, block)

    def _struct(self, cls: type[T], name: str, block: BlockIdentifier, *arguments: Any) -> T:
        return struct(cls, _output(name), self._read(name, block, *arguments))

    def _structs(self, cls: type[T], name: str, block: BlockIdentifier, *arguments: Any) -> tuple[T, ...]:
        return tuple(struct(cls, _output(name), value) for value in self._read(name, block, *arguments))


def _output(name: str) -> Any:
    return entry("coordinator" if name in OWN_VIEWS else "lens", "function", name)["outputs"][0]
