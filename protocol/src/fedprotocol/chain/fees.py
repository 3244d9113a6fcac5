"""EIP-1559 fees within bounds."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from web3.eth import Eth
from web3.types import Wei

from fedprotocol.chain.errors import FeesTooHigh, translated
from fedprotocol.chain.gas import advisory
from fedprotocol.config import ChainConfig

GWEI = 10**9
USUAL_TIP = GWEI  # where the node suggests none


@dataclass(frozen=True)
class Fees:
    """Wei a gas: the most paid in all, and of that the most for the block's producer."""

    max_fee: int
    tip: int


@dataclass(frozen=True)
class FeePolicy:
    """Bounds of what is paid, and the sender's patience."""

    max_fee: int = 500 * GWEI  # never pay more a gas than this
    min_tip: int = GWEI // 100
    max_tip: int = 50 * GWEI
    bump_percent: int = 13  # nodes ask for at least 10 % more in both fees to replace a transaction
    replace_after: float = 60.0  # seconds without inclusion
    give_up_after: float = 900.0  # seconds; the transaction stays in the outbox
    poll: float = 0.5  # seconds between looks
    confirmations: int = 0  # blocks on top of the one that holds the transaction

    @classmethod
    def of(cls, chain: ChainConfig) -> FeePolicy:
        """As `[chain]` of a config file has it."""
        return cls(max_fee=int(chain.max_fee_gwei * GWEI), confirmations=chain.confirmations)


def first_fees(policy: FeePolicy, base_fee: int, suggested_tip: int) -> Fees | None:
    """Fees that hold while the base fee doubles, as far as the bound allows; None if even the base fee is above it."""
    tip = min(max(suggested_tip, policy.min_tip), policy.max_tip, policy.max_fee)
    if base_fee + min(tip, policy.min_tip) > policy.max_fee:
        return None
    return Fees(min(2 * base_fee + tip, policy.max_fee), tip)


def market_fees(eth: Eth, policy: FeePolicy) -> Fees:
    """What a transaction sent now would bid. Raises FeesTooHigh, ChainUnreachable, RpcRefused."""
    base_fee = _base_fee(eth)
    tip = USUAL_TIP
    with advisory("tip"):
        tip = suggested_tip(eth)
    fees = first_fees(policy, base_fee, tip)
    if fees is None:
        raise FeesTooHigh(
            f"the base fee is {base_fee / GWEI:g} gwei, above the bound of {policy.max_fee / GWEI:g}: "
            "wait until it falls, or raise [chain] max_fee_gwei"
        )
    return fees


def suggested_tip(eth: Eth) -> int:
    """What the node suggests, or the fee history where it serves that alone. Raises ChainUnreachable, RpcRefused."""
    with translated("eth_maxPriorityFeePerGas, eth_feeHistory"), warnings.catch_warnings(action="ignore"):
        return eth.max_priority_fee


def _base_fee(eth: Eth) -> int:
    """Of the next block, about; if no block is to be had, the price that the node names."""
    with advisory("fees"), translated("fees"):
        return eth.get_block("latest").get("baseFeePerGas", Wei(0))
    with translated("fees"):
        return eth.gas_price


def bumped(policy: FeePolicy, fees: Fees, market: Fees | None) -> Fees | None:
    """Fees that replace a transaction sent with `fees`, no less than the `market`'s; None if above the bound."""
    max_fee = max(_raise(fees.max_fee, policy.bump_percent), market.max_fee if market else 0)
    tip = max(_raise(fees.tip, policy.bump_percent), market.tip if market else 0)
    return Fees(max_fee, min(tip, max_fee)) if max_fee <= policy.max_fee else None


def _raise(amount: int, percent: int) -> int:
    return amount + -(-amount * percent // 100) + 1
