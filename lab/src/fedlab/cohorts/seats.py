"""Which seats are in the hat: a list without gaps, which stands still while a cohort of it may commit."""

from __future__ import annotations


class Hat:
    """Accounts by their index. Whoever leaves is replaced by the last one, as in a contract, so that nobody can fill
    the list with empty places. An account that gets a new index has it from the next round on."""

    def __init__(self) -> None:
        self.accounts: list[str] = []
        self._index: dict[str, int] = {}
        self._since: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.accounts)

    def __contains__(self, account: object) -> bool:
        return account in self._index

    def add(self, account: str, next_round: int) -> None:
        """Put in an account that is not there."""
        self._put(account, len(self.accounts), next_round)

    def remove(self, account: str, next_round: int) -> None:
        """Take out an account that is there. Not while a cohort of the list may commit."""
        index, last = self._index.pop(account), self.accounts.pop()
        del self._since[account]
        if last != account:
            self._put(last, index, next_round)

    def has(self, index: int, account: str, round_number: int) -> bool:
        """Whether the account was at this index in the round."""
        return self._index.get(account) == index and self._since[account] <= round_number

    def _put(self, account: str, index: int, since: int) -> None:
        self.accounts[index : index + 1] = [account]
        self._index[account] = index
        self._since[account] = since
