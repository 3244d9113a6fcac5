"""What a command opens, as its config says: chain, store, account, journal, spec. Each is opened when it is first
needed."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

from fedprotocol.chain.amounts import Amounts

from fednode.config import NodeConfig

if TYPE_CHECKING:
    from fedprotocol.chain.account.signer import Signer
    from fedprotocol.chain.read.coordinator import Coordinator
    from fedprotocol.chain.read.event_index import EventIndex
    from fedprotocol.chain.read.snapshot import Snapshot
    from fedprotocol.chain.send.sender import Sender
    from fedprotocol.journal import Journal
    from fedprotocol.spec import Spec
    from fedprotocol.store.base import Store


class Session:
    """Use it in `with`: the journal is locked until the end."""

    def __init__(self, config: NodeConfig) -> None:
        self.config = config
        self._open = ExitStack()

    @cached_property
    def coordinator(self) -> Coordinator:
        """Raises ChainUnreachable, WrongChain, NoContract, NotACoordinator."""
        from fedprotocol.chain.read.coordinator import Coordinator

        chain = self.config.chain
        return Coordinator.connect(chain.rpc, chain.coordinator, chain.chain_id)

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
