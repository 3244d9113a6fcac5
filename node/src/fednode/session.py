"""What a command opens, as its config says: chain, store, account, journal, spec. Each is opened when it is first
needed."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

from fedprotocol.chain.amounts import Amounts
from fedprotocol.program.slow_work import told_if_slow

from fednode.config import NodeConfig

if TYPE_CHECKING:
    from fedprotocol.chain.account.signer import Signer
    from fedprotocol.chain.read.coordinator import Coordinator
    from fedprotocol.chain.read.event_index import EventIndex
    from fedprotocol.chain.read.snapshot import Snapshot
    from fedprotocol.chain.send.sender import Sender
    from fedprotocol.journal import Journal
    from fedprotocol.monitor.last_seen import LastSeen
    from fedprotocol.spec import Spec
    from fedprotocol.store.base import Store
    from web3.contract.contract import ContractFunction


class Session:
    """Use it in `with`: the journal is locked until the end."""

    def __init__(self, config: NodeConfig, rpc_seconds: float | None = None) -> None:
        """`rpc_seconds`: patience with one answer of an RPC endpoint; default: that of whoever sends."""
        self.config = config
        self._rpc_seconds = rpc_seconds
        self._open = ExitStack()

    @cached_property
    def coordinator(self) -> Coordinator:
        """Raises ChainUnreachable, WrongChain, NoContract, NotACoordinator."""
        from fedprotocol.chain.endpoint.rpc import TIMEOUT
        from fedprotocol.chain.read.coordinator import Coordinator

        chain = self.config.chain
        with told_if_slow("asking the chain's node"):
            return Coordinator.connect(chain.rpc, chain.coordinator, chain.chain_id, self._rpc_seconds or TIMEOUT)

    @cached_property
    def address(self) -> str:
        """The account's address, found without a password. Raises NoAccount, KeystoreError."""
        from fedprotocol.chain.account.signer import address_of

        return str(address_of(self.config.account))

    @cached_property
    def signer(self) -> Signer:
        """Raises NoAccount, KeystoreError, PasswordError, SignerError."""
        from fedprotocol.chain.account.signer import open_signer

        return open_signer(self.config.account)

    @cached_property
    def store(self) -> Store:
        """Reads from the peers that the config names and from those that are announced. Raises StoreError."""
        from fedprotocol.peers.find import open_shared_store

        return open_shared_store(self.config, lambda: self.coordinator)

    @cached_property
    def journal(self) -> Journal:
        """Bound to this chain, coordinator and account. Raises JournalError."""
        from fedprotocol.journal import Journal

        journal = self._open.enter_context(Journal(self.config.journal))
        journal.bind(self.config.chain.chain_id, self.coordinator.address, self.signer.address)
        return journal

    @cached_property
    def sender(self) -> Sender:
        """Follows up what the outbox still holds before it is handed out."""
        from fedprotocol.chain.read.agreement import Agreement
        from fedprotocol.chain.send.fees import FeePolicy
        from fedprotocol.chain.send.sender import Sender

        policy = FeePolicy.of(self.config.chain)
        agreement = Agreement(self.coordinator, self.signer.address, policy.confirmations)
        sender = Sender(self.coordinator.web3, self.signer, self.journal, policy, agreement=agreement)
        sender.resume()
        return sender

    def send(self, call: ContractFunction, label: str) -> None:
        """Send a transaction and wait for it, telling a person who waits for long. Raises the errors of the sender."""
        depth = self.config.chain.confirmations
        blocks = f"its block and {depth} on top of that" if depth else "its block"
        sender = self.sender
        with told_if_slow(f"{label}: waiting for {blocks}"):
            sender.send(call, label)

    @cached_property
    def events(self) -> EventIndex:
        """Shared with a running node."""
        from fedprotocol.chain.read.event_index import index_at

        return self._open.enter_context(index_at(self.coordinator, self.config.events))

    @cached_property
    def spec(self) -> Spec:
        """The document that the contract names, from the store.

        Raises NotFound, Malformed, SpecError, SpecMismatch, RuleError.
        """
        from fedaggregator.compute.spec import spec_of

        spec = spec_of(self.coordinator, self.store)
        self._remember(spec)
        return spec

    @cached_property
    def amounts(self) -> Amounts:
        """How the federation's token is written. Raises ChainError."""
        return Amounts.of(self.coordinator.token)

    def last_seen(self) -> LastSeen:
        """The chain now, with what is needed to show it without the chain later."""
        from fedprotocol.chain.send.fees import is_free
        from fedprotocol.monitor.last_seen import LastSeen

        chain = self.snapshot()
        return LastSeen(
            coordinator=self.coordinator.address,
            chain=chain,
            read=time.time(),
            decimals=self.amounts.decimals,
            symbol=self.amounts.symbol,
            gas_is_free=chain.eth == 0 and is_free(self.coordinator.web3.eth),
        )

    def snapshot(self) -> Snapshot:
        """The chain now, as the account sees it."""
        from fedprotocol.chain.read.snapshot import take_snapshot

        return take_snapshot(self.coordinator, self.address)

    def _remember(self, spec: Spec) -> None:
        from fedprotocol.files.whole import write_whole
        from fedprotocol.spec import dump_spec

        with suppress(OSError):  # it is only a convenience
            if self.config.home.is_dir():
                write_whole(self.config.known_spec, dump_spec(spec), synced=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
