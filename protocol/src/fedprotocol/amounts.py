"""Amounts of the federation's token, in whole tokens as people write them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from fedprotocol.errors import FedError

if TYPE_CHECKING:
    from fedprotocol.chain.token import Token


class AmountError(FedError):
    """Not an amount of this token."""


@dataclass(frozen=True)
class Amounts:
    """Between token units and text."""

    decimals: int
    symbol: str

    @classmethod
    def of(cls, token: Token) -> Amounts:
        """As the token says; ERC-20 lets it say nothing, and then amounts are in its units. Raises ChainError."""
        from fedprotocol.chain.errors import ContractReverted, NotACoordinator

        silent = ContractReverted, NotACoordinator
        try:
            decimals = token.decimals()
        except silent:
            return cls(0, "token units")
        try:
            return cls(decimals, token.symbol())
        except silent:
            return cls(decimals, "tokens")

    def __call__(self, units: int) -> str:
        """`1500000000000000000` -> `1.5 FED`."""
        text = f"{Decimal(units).scaleb(-self.decimals):f}"
        return f"{text.rstrip('0').rstrip('.') if '.' in text else text} {self.symbol}"

    def units(self, whole: Decimal) -> int:
        """Whole tokens in units. Raises AmountError if the token has not that many decimals."""
        units = whole.scaleb(self.decimals)
        if units != units.to_integral_value():
            raise AmountError(f"{whole} {self.symbol}: the token has only {self.decimals} decimals")
        return int(units)
