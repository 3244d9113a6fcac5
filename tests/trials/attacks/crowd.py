"""Hundreds of clients of one party, without a model each, that take every step in as few blocks as it fits."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from eth_account import Account
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.numbers import split_leaves
from fedprotocol.store.open import open_store
from support.deployed import give
from support.live_federation import ETHER
from web3.contract.contract import ContractFunction

from attacks.arena import Arena

BLOCK_GAS = 24_000_000
SHIFT = 6


@dataclass(frozen=True)
class Member:
    """One client: its address and what it commits to."""

    address: str
    update: MemoryLeaves
    salt: bytes


class Crowd:
    """`size` clients of the party `name`, each with a seat of the smallest stake.

    The node signs for them (impersonation): so many senders would take minutes. After a step the chain mines at once.
    """

    def __init__(self, arena: Arena, name: str, honest: bool, size: int, examples: int) -> None:
        self.arena = arena
        self.examples = examples
        self._calls = arena.coordinator.calls
        config, rng = arena.coordinator.config(), np.random.default_rng(size)
        low, high = -(2 ** (config.mantissa_bits - 1)), 2 ** (config.mantissa_bits - 1)
        self.members: list[Member] = []
        for _ in range(size):
            values = rng.integers(low, high, arena.federation.values).astype(f"i{config.mantissa_bits // 8}")
            update = MemoryLeaves(split_leaves(values, config.leaf_values))
            self.members.append(Member(self._account(), update, os.urandom(32)))
        token, here, stake = arena.federation.token.functions, arena.coordinator.address, config.min_stake
        sponsor = arena.chain.accounts[0]
        arena.chain.send_all([(token.mint(member.address, stake), sponsor) for member in self.members], 100_000)
        party = arena.books.party(name, honest)
        for member in self.members:
            arena.books.enter(party, member.address)
        self._all([token.approve(here, stake)] * size, 100_000)
        self._all([self._calls.join(stake)] * size, 400_000)

    def commit(self, round_number: int, prior_root: bytes) -> None:
        """To an update of each one's own, which the public store has from now on."""
        store = open_store(f"dir:{self.arena.public}", self.arena.folder / "cache")
        for member in self.members:
            store.put(member.update)
        hash_of = self.arena.coordinator.commit_hash
        hashes = [hash_of(round_number, m.address, prior_root, *self._opening(m)) for m in self.members]
        self._all([self._calls.commit(round_number, prior_root, hash_) for hash_ in hashes], 400_000)

    def reveal(self, round_number: int) -> None:
        self._all([self._calls.reveal(round_number, *self._opening(m), 2, 1) for m in self.members], 400_000)

    def attest(self, round_number: int, bitmap: int | None = None) -> None:
        """Vouch for the updates in `bitmap`, by default all."""
        view = self.arena.coordinator.round_view(round_number)
        chosen = (1 << view.revealed) - 1 if bitmap is None else bitmap
        vote = self._calls.attest(round_number, view.inputs_hash, chosen)
        self._all([vote] * len(self.members), 1_000_000)

    def claim(self) -> None:
        """Everybody takes what is owed."""
        self._all([self._calls.claim()] * len(self.members), 400_000)

    def _opening(self, member: Member) -> tuple[bytes, int, int, bytes]:
        return member.update.root, SHIFT, self.examples, member.salt

    def _account(self) -> str:
        account = Account.create()
        give(self.arena.chain, account, ETHER)
        self.arena.chain.rpc("anvil_impersonateAccount", account.address)
        return str(account.address)

    def _all(self, calls: Sequence[ContractFunction], gas: int) -> None:
        """One call of each member. Raises AssertionError if one fails."""
        sent = [(call, member.address) for call, member in zip(calls, self.members, strict=True)]
        size = BLOCK_GAS // gas
        for first in range(0, len(sent), size):
            self.arena.chain.send_all(sent[first : first + size], gas)
