"""Pay into a federation's pool; on development chains, give accounts what they need to join.

brownie run fund --network <name>                 fill the pool up, so that every round left can be paid
brownie run fund main 250 --network <name>        add 250 tokens
brownie run fund faucet 0x… 0x… --network <name>  ether and tokens for accounts (development chains only)
"""

from __future__ import annotations

from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.errors import ether
from fedprotocol.chain.read.coordinator import Coordinator
from web3 import Web3

from scripts.lib import token as tokens
from scripts.lib.network import ScriptError, command, current, is_development, sending

FAUCET_ETHER = 10 * 10**18  # wei
# this many times the larger of a stake and a bond, which is enough to join, to propose, and to propose beside others
FAUCET_STAKES = 10


@command
def main(amount: str = "") -> None:
    """Add `amount` tokens to the pool. Without an amount, add what the pool lacks for the rounds that are left."""
    deployment, coordinator = current()
    amounts = Amounts.of(coordinator.token)
    units = amounts.parse(amount) if amount else _shortage(coordinator)
    if units == 0:
        print("The pool pays for every round that is left: nothing to add")
        return
    with sending() as sender:
        tokens.ensure_balance(coordinator.token, sender, units, deployment.demo_token)
        tokens.fund(coordinator, sender, units)
    print(f"Added {amounts(units)}")
    print(f"The pool holds {amounts(coordinator.balances().pool)}")


@command
def faucet(*addresses: str) -> None:
    """Give each address ether and tokens."""
    if not is_development():
        raise ScriptError("the faucet works on development chains only, where ether and tokens cost nothing")
    if not addresses:
        raise ScriptError("which accounts? brownie run fund faucet 0x… 0x…")
    if wrong := [a for a in addresses if not Web3.is_address(a)]:
        raise ScriptError(f"no Ethereum addresses: {', '.join(wrong)}")
    deployment, coordinator = current()
    token, config, amounts = coordinator.token, coordinator.config(), Amounts.of(coordinator.token)
    amount = FAUCET_STAKES * max(config.min_stake, config.bond_base)
    with sending() as sender:
        tokens.ensure_balance(token, sender, amount * len(addresses), deployment.demo_token)
        for address in map(Web3.to_checksum_address, addresses):
            sender.give(address, FAUCET_ETHER)
            sender.send(token.contract.functions.transfer(address, amount), f"tokens for {address}")
            print(f"{address} received {ether(FAUCET_ETHER)} ETH and {amounts(amount)}")


def _shortage(coordinator: Coordinator) -> int:
    """The token units that the pool lacks for the rounds that can still be opened."""
    config = coordinator.config()
    last = coordinator.last_opened()
    unsettled = sum(coordinator.round_view(n).settled_at == 0 for n in range(max(1, last - 1), last + 1))
    left = max(0, config.total_rounds - coordinator.final_count() - unsettled)
    return max(0, left * config.round_reward - coordinator.balances().pool)
