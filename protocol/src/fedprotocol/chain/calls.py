"""The coordinator's state-changing calls, ready for a Sender. IFederationCoordinator explains what each does."""

from __future__ import annotations

from collections.abc import Sequence

from web3.contract import Contract
from web3.contract.contract import ContractFunction


class Calls:
    """Builds calls and sends nothing. Amounts in token units, roots and hashes 32 bytes, losses in units of 1e-6."""

    def __init__(self, contract: Contract) -> None:
        self._functions = contract.functions

    def fund(self, amount: int) -> ContractFunction:
        return self._functions.fund(amount)

    def close(self) -> ContractFunction:
        return self._functions.close()

    def join(self, stake: int) -> ContractFunction:
        return self._functions.join(stake)

    def add_stake(self, amount: int) -> ContractFunction:
        return self._functions.addStake(amount)

    def exit(self) -> ContractFunction:
        return self._functions.exit()

    def drop(self, client: str) -> ContractFunction:
        return self._functions.drop(client)

    def withdraw(self) -> ContractFunction:
        return self._functions.withdraw()

    def claim(self) -> ContractFunction:
        return self._functions.claim()

    def settle(self, account: str) -> ContractFunction:
        return self._functions.settle(account)

    def open(self) -> ContractFunction:
        return self._functions.open()

    def commit(self, round_number: int, prior_root: bytes, commit_hash: bytes) -> ContractFunction:
        return self._functions.commit(round_number, prior_root, commit_hash)

    def reveal(
        self,
        round_number: int,
        root: bytes,
        shift: int,
        examples: int,
        salt: bytes,
        loss_before: int,
        loss_after: int,
    ) -> ContractFunction:
        return self._functions.reveal(round_number, root, shift, examples, salt, loss_before, loss_after)

    def attest(self, round_number: int, inputs_hash: bytes, bitmap: int) -> ContractFunction:
        return self._functions.attest(round_number, inputs_hash, bitmap)

    def propose(
        self, round_number: int, inputs_hash: bytes, accepted_mask: int, page: int, digests: Sequence[bytes]
    ) -> ContractFunction:
        return self._functions.propose(round_number, inputs_hash, accepted_mask, page, list(digests))

    def abandon(self, round_number: int) -> ContractFunction:
        return self._functions.abandon(round_number)
