"""Amounts of the federation's token: in whole tokens, as people write them, and exactly the same in units."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from fedprotocol.errors import FedError
from fedprotocol.quantities import decimal

if TYPE_CHECKING:
    from fedprotocol.chain.read.token import Token

MOST_DIGITS = 39  # the digits of 2^128 units, above which the contract takes no amount


class AmountError(FedError):
    """Not an amount of this token."""


@dataclass(frozen=True)
class Amounts:
    """Converts between token units and text."""

    decimals: int
    symbol: str

    @classmethod
    def of(cls, token: Token) -> Amounts:
        """The amounts of a token, with the decimals that it names. ERC-20 lets a token name none; then amounts are in
        its units. Raises ChainError."""
        from fedprotocol.chain.errors import ContractReverted, NotACoordinator

        silent = ContractReverted, NotACoordinator
        try:
            decimals = token.decimals()
        except silent:
            return UNITS
        try:
            return cls(decimals, token.symbol() or "tokens")
        except silent:
            return cls(decimals, "tokens")

    def __call__(self, units: int) -> str:
        """What somebody has, holds or gets: `1500000000000000000` -> `1.5 FED`; rounded down to four decimals."""
        return f"{decimal(units, self.decimals)} {self.symbol}"

    def needed(self, units: int) -> str:
        """What somebody must have or send: rounded up, so that it is enough."""
        return f"{decimal(units, self.decimals, up=True)} {self.symbol}"

    def units(self, whole: Decimal) -> int:
        """Units of an amount in whole tokens. Raises AmountError; see `in_units`."""
        try:
            return in_units(whole, self.decimals)
        except AmountError as error:
            raise AmountError(f"{whole} {self.symbol}: {error}") from None

    def parse(self, text: str) -> int:
        """Units of an amount above zero that a person typed in whole tokens. Raises AmountError."""
        try:
            whole = Decimal(text)
        except InvalidOperation:
            raise AmountError(f"{text!r} is no amount of whole tokens, such as 250 or 0.5") from None
        if not whole.is_finite() or whole <= 0:
            raise AmountError(f"{text}: an amount of whole tokens must be above zero, such as 250 or 0.5")
        return self.units(whole)


UNITS = Amounts(0, "smallest units")
"""For a token that names no decimals."""


def in_units(whole: Decimal, decimals: int) -> int:
    """`whole` tokens in units of 10^-`decimals`, exactly.

    Raises:
        AmountError: the token has not that many decimals, no token has so many units, or it is no number of them.
    """
    sign, digits, exponent = whole.as_tuple()
    if not isinstance(exponent, int) or (sign and any(digits)):
        raise AmountError("an amount of tokens is a number from zero on")
    if not any(digits):
        return 0
    exponent += decimals
    if len(digits) + exponent > MOST_DIGITS:
        raise AmountError("more than any token has")
    cut = max(0, len(digits) + min(exponent, 0))
    if any(digits[cut:]):
        raise AmountError(f"the token has only {decimals} decimals")
    units: int = int("".join(map(str, digits[:cut]))) * 10 ** max(exponent, 0)
    if units >= 1 << 128:
        raise AmountError("more than any token has")
    return units
