"""A federation deployed on a real anvil, and funded accounts for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from fedprotocol.chain.abi import entry
from fedprotocol.chain.endpoint.rpc import connect_web3
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.send.fees import FeePolicy
from fedprotocol.chain.send.sender import Sender
from fedprotocol.journal import Journal
from support.evm import Chain
from web3.contract import Contract

CHAIN_ID = 31337
TOKENS = 10**24
GENESIS = bytes([7]) * 32
SETTINGS = {
    "gate": "0x" + "00" * 20,
    "specDigest": bytes([5]) * 32,
    "genesisRoot": GENESIS,
    "leafCount": 2,
    "leafValues": 32,
    "mantissaBits": 8,
    "serverLr": 2**16,
    "minClients": 2,
    "maxClients": 4,
    "totalRounds": 3,
    "aggregatorBps": 1000,
    "roundReward": 1000,
    "minStake": 400,
    "stakePerExample": 10,
    "penalty": 100,
    "bondBase": 250,
    "trainLength": 600,
    "revealLength": 300,
    "attestLength": 300,
    "challengeLength": 600,
    "minWindow": 60,
    "abandonAfter": 3600,
}


@dataclass
class Deployed:
    """Token, rule, disputes and coordinator on `chain`; `sponsor` is its first unlocked account."""

    chain: Chain
    token: Contract
    contract: Contract

    @classmethod
    def on(cls, chain: Chain, mock: str = "", **settings: Any) -> Deployed:
        """`mock`: name of the contract under mocks/ that is the token, instead of DemoToken."""
        sponsor = chain.accounts[0]
        token = chain.deploy(mock) if mock else chain.deploy("DemoToken", sponsor)
        parts = {
            "token": token.address,
            "rule": chain.standing("FedAvg").address,
            "disputes": chain.standing("Disputes").address,
            "sponsor": sponsor,
        }
        values = {**parts, **SETTINGS, **settings}
        values = {"maxShift": 31 - int(values["mantissaBits"]), **values}
        names = [c["name"] for c in entry("coordinator", "function", "config")["outputs"][0]["components"]]
        contract = chain.deploy("FederationCoordinator", tuple(values[name] for name in names))
        return cls(chain, token, contract)

    def coordinator(self) -> Coordinator:
        return Coordinator.connect(self.chain.url, self.contract.address, self.chain.web3.eth.chain_id)

    def account(self, ether: int = 10**18, tokens: int = TOKENS) -> LocalAccount:
        """A new key with money."""
        account: LocalAccount = Account.create()
        give(self.chain, account, ether)
        self.chain.do(self.token.functions.mint(account.address, tokens))
        return account


def give(chain: Chain, account: LocalAccount, ether: int) -> None:
    """Set the balance of `account`, wei."""
    chain.give(account.address, ether)


def sender(chain: Chain, account: LocalAccount, journal: Path, **policy: Any) -> Sender:
    """With a short patience, and a journal of its own in `journal`."""
    fees = FeePolicy(**{"poll": 0.05, "replace_after": 1.0, "give_up_after": 20.0, **policy})
    return Sender(connect_web3(chain.url, CHAIN_ID), account, Journal(journal), fees)
