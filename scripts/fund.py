"""Pay into a federation's pool; on development chains, give accounts what they need to join.

brownie run fund --network <name>                 fill the pool up, so that every round left can be paid
brownie run fund main 250 --network <name>        add 250 tokens
brownie run fund faucet 0x… 0x… --network <name>  ether and tokens for accounts (development chains only)
"""

from __future__ import annotations

from typing import Any

from brownie import DemoToken, web3
from fedprotocol.chain.coordinator import Coordinator

from scripts.lib import token as tokens
from scripts.lib.contracts import bound
from scripts.lib.network import ScriptError, command, current, is_development, sender

FAUCET_ETHER = 10 * 10**18  # wei
FAUCET_STAKES = 10  # of the larger of a stake and a bond: enough to join, propose, and propose beside others


@command
def main(amount: str = "") -> None:
    """Add `amount` tokens, or what the pool lacks for the rounds that are left."""
    deployment, coordinator = current()
    token = tokens.of(deployment)
    decimals, symbol = token.decimals(), token.symbol()
    units = tokens.parse(amount, decimals) if amount else _shortage(coordinator)
    if units == 0:
        print("The pool pays for every round that is left: nothing to add")
        return
    account = sender()
    tokens.ensure_balance(token, account, units, deployment.demo_token)
    tokens.fund(token, account, deployment.coordinator, units)
    print(f"Added {tokens.show(units, decimals)} {symbol}")
    print(f"The pool holds {tokens.show(coordinator.balances().pool, decimals)} {symbol}")


@command
def faucet(*addresses: str) -> None:
    """Give each address ether and tokens."""
    if not is_development():
        raise ScriptError("the faucet works on development chains only, where ether and tokens cost nothing")
    if not addresses:
        raise ScriptError("which accounts? brownie run fund faucet 0x… 0x…")
    if wrong := [a for a in addresses if not web3.is_address(a)]:
        raise ScriptError(f"no Ethereum addresses: {', '.join(wrong)}")
    deployment, coordinator = current()
    token, account, config = tokens.of(deployment), sender(), coordinator.config()
    amount = FAUCET_STAKES * max(config.min_stake, config.bond_base)
    tokens.ensure_balance(token, account, amount * len(addresses), deployment.demo_token)
    for address in addresses:
        _give(token, account, web3.to_checksum_address(address), amount)


def _give(token: tokens.Token, account: Any, address: str, amount: int) -> None:
    account.transfer(address, FAUCET_ETHER)
    bound(token.address, DemoToken.abi).transfer(address, amount, {"from": account})
    print(f"{address} received 10 ETH and {tokens.show(amount, token.decimals())} {token.symbol()}")


def _shortage(coordinator: Coordinator) -> int:
    """Units that the pool lacks for the rounds that can still be opened."""
    config = coordinator.config()
    last = coordinator.last_opened()
    unsettled = sum(coordinator.round_view(n).settled_at == 0 for n in range(max(1, last - 1), last + 1))
    left = max(0, config.total_rounds - coordinator.final_count() - unsettled)
    return max(0, left * config.round_reward - coordinator.balances().pool)
