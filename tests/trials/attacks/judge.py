"""Who lost, who gained: the same for every attack, from what everybody had before and has after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Account:
    """One party's purse over a row: all its addresses together, token units and wei.

    `before`, `after`: wallet, stake, bonds, what the coordinator owes. `due`: what its honest work in the row earned by
    the chain's weights. `gas`, `fees`: what its own transactions used and cost. `ether`: what it has less than before.
    """

    name: str
    honest: bool
    before: int
    after: int
    due: int
    ether: int
    fees: int
    gas: int

    @property
    def change(self) -> int:
        return self.after - self.before

    @property
    def lost(self) -> int:
        """Token units that an honest party has less than it should; negative: more."""
        return self.before + self.due - self.after


def convictions(accounts: Sequence[Account]) -> list[str]:
    """One sentence for every honest party that was harmed and every dishonest one that gained; none: all is well."""
    return [sentence for account in accounts for sentence in _of(account)]


def _of(account: Account) -> list[str]:
    found = []
    if account.honest and account.lost > 0:
        found.append(f"honest {account.name} was harmed: {amount(account.lost)} tokens less than its due")
    if not account.honest and account.lost < 0:
        found.append(f"dishonest {account.name} gained {amount(-account.lost)} tokens that no honest work earned")
    if account.honest and account.ether > account.fees:
        found.append(f"honest {account.name} lost {account.ether - account.fees} wei that were no fees of its own")
    if not account.honest and account.ether < account.fees:
        found.append(f"dishonest {account.name} gained {account.fees - account.ether} wei")
    return found


def amount(units: int) -> str:
    """Token units in tokens, as many decimals as it takes up to four."""
    return f"{units / 10**18:,.4f}".rstrip("0").rstrip(".")
