"""What a transaction offers for gas, within bounds: by EIP-1559, as one price on a chain without a base fee, or nothing
where gas is free."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from web3.eth import Eth

from fedprotocol.chain.errors import FeesTooHigh, translated
from fedprotocol.chain.send.gas import advisory
from fedprotocol.config import ChainConfig

GWEI = 10**9
USUAL_TIP = GWEI  # used if the node suggests no tip


@dataclass(frozen=True)
class Fees:
    """Fees in wei for each unit of gas: `max_fee` is the most that is paid in total, and `tip` the most of it that goes
    to the block's producer. `legacy`: the chain has no base fee (it never adopted EIP-1559). Then there is one price,
    and `tip` equals `max_fee`.
    """

    max_fee: int
    tip: int
    legacy: bool = False

    def fields(self) -> dict[str, int]:
        """The fields, and the type, of a transaction with these fees, by their names in web3.py."""
        if self.legacy:
            return {"gasPrice": self.max_fee}
        return {"type": 2, "maxFeePerGas": self.max_fee, "maxPriorityFeePerGas": self.tip}


@dataclass(frozen=True)
class FeePolicy:
    """Limits for the fees, and how long the sender waits."""

    max_fee: int = 500 * GWEI  # never pay more than this for a unit of gas
    min_tip: int = GWEI // 100
    max_tip: int = 50 * GWEI
    bump_percent: int = 13  # nodes ask for at least 10 % more in both fees to replace a transaction
    replace_after: float = 60.0  # seconds without getting into a block, after which the fees are raised
    give_up_after: float = 900.0  # seconds after which the sender stops waiting; the transaction stays in the outbox
    poll: float = 0.5  # seconds between looks
    confirmations: int = 0  # blocks on top of the one that holds the transaction

    @classmethod
    def of(cls, chain: ChainConfig) -> FeePolicy:
        """The policy that `[chain]` of a config file describes."""
        return cls(max_fee=int(chain.max_fee_gwei * GWEI), confirmations=chain.confirmations)


def first_fees(policy: FeePolicy, base_fee: int, suggested_tip: int) -> Fees | None:
    """Fees that are still enough if the base fee doubles, as far as the limit allows. None if even the base fee is
    above the limit. Where gas is free (no base fee, and no suggested tip) nothing is offered.
    """
    if not base_fee and not suggested_tip:
        return Fees(0, 0)
    tip = min(max(suggested_tip, policy.min_tip), policy.max_tip, policy.max_fee)
    if base_fee + min(tip, policy.min_tip) > policy.max_fee:
        return None
    return Fees(min(2 * base_fee + tip, policy.max_fee), tip)


def market_fees(eth: Eth, policy: FeePolicy) -> Fees:
    """The fees that a transaction sent now would offer. Raises FeesTooHigh, ChainUnreachable, RpcRefused."""
    price, legacy = _base_fee(eth)
    if legacy:
        fees = Fees(price, price, legacy) if price <= policy.max_fee else None
    else:
        fees = first_fees(policy, price, _tip(eth, price))
    if fees is None:
        raise FeesTooHigh(
            f"the {'price of gas' if legacy else 'base fee'} is {price / GWEI:g} gwei, above the bound of "
            f"{policy.max_fee / GWEI:g}: wait until it falls, or raise [chain] max_fee_gwei"
        )
    return fees


def is_free(eth: Eth) -> bool:
    """Whether gas costs nothing on this chain; False if its node does not say."""
    with advisory("fees"):
        return market_fees(eth, FeePolicy(max_fee=2**256)).max_fee == 0
    return False


def most_paid(eth: Eth, policy: FeePolicy, gas: int) -> int:
    """The most wei that so much gas costs by the fees of now: 0 where gas is free, 1 if the chain's node does not name
    its fees."""
    with advisory("fees"):
        try:
            return gas * market_fees(eth, policy).max_fee
        except FeesTooHigh:
            return gas * policy.max_fee
    return 1


def suggested_tip(eth: Eth) -> int:
    """The tip that the node suggests, or one from the fee history if the node only serves that. Raises
    ChainUnreachable, RpcRefused."""
    with translated("eth_maxPriorityFeePerGas, eth_feeHistory"), warnings.catch_warnings(action="ignore"):
        return int(eth.max_priority_fee)


def _tip(eth: Eth, base_fee: int) -> int:
    if not base_fee:  # the price that the node names would be all tip, and nodes suggest tips even where gas is free
        with advisory("eth_gasPrice"):
            if not (price := _price(eth)):
                return price
    with advisory("tip"):
        return suggested_tip(eth)
    return USUAL_TIP


def _base_fee(eth: Eth) -> tuple[int, bool]:
    """The base fee of about the next block, and False. On a chain without base fees: the price that the node names, and
    True. If the node shows no block, its price counts as a base fee."""
    with advisory("fees"):
        with translated("fees"):
            base_fee = eth.get_block("latest").get("baseFeePerGas")
            if base_fee is not None:
                return int(base_fee), False
        return _price(eth), True
    return _price(eth), False


def _price(eth: Eth) -> int:
    with translated("eth_gasPrice"):
        return int(eth.gas_price)


def bumped(policy: FeePolicy, fees: Fees, market: Fees | None) -> Fees | None:
    """Fees high enough to replace a transaction sent with `fees`, and no lower than those of the `market`. None if they
    are above the limit. Also None where gas is free, because an account there may have no ether at all."""
    if market is not None and not market.max_fee and not fees.max_fee:
        return None
    max_fee = max(_raise(fees.max_fee, policy.bump_percent), market.max_fee if market else 0)
    tip = max(_raise(fees.tip, policy.bump_percent), market.tip if market else 0)
    return Fees(max_fee, min(tip, max_fee), fees.legacy) if max_fee <= policy.max_fee else None


def _raise(amount: int, percent: int) -> int:
    return amount + -(-amount * percent // 100) + 1
