"""Checks whether an aggregator or a watchtower has everything that it needs. Nothing is sent, and nothing large is
fetched."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from fedprotocol.chain.account.signer import address_of
from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.errors import ether
from fedprotocol.chain.needs import Asked, describe_served, probe
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.snapshot import take_snapshot
from fedprotocol.chain.send.fees import is_free
from fedprotocol.chains import describe_depth
from fedprotocol.errors import FedError
from fedprotocol.peers.find import open_shared_store
from fedprotocol.program.doctor import Check, CheckResult, examined

from fedaggregator.compute.inputs import rule_of
from fedaggregator.config import AggregatorConfig


class Lacking(FedError):
    """Something is missing. The message says what to do."""


class Patient:
    """What the checks look at. Each thing is opened, as the config says, when it is first needed."""

    def __init__(self, config: AggregatorConfig) -> None:
        self.config = config

    @cached_property
    def coordinator(self) -> Coordinator:
        chain = self.config.chain
        return Coordinator.connect(chain.rpc, chain.coordinator, chain.chain_id)

    @cached_property
    def address(self) -> str:
        return str(address_of(self.config.account))

    def chain(self) -> str:
        rule = rule_of(self.coordinator).name
        return f"chain {self.coordinator.chain_id}, coordinator {self.coordinator.address}, rule {rule}"

    def depth(self) -> str:
        return describe_depth(self.config.chain.chain_id, self.config.chain.confirmations)

    def account(self) -> str:
        return self.address

    def needs(self) -> str:
        return describe_served(list(probe(Asked(self.coordinator, self.address, self.config.chain.confirmations))))

    def funds(self) -> str:
        now, amounts = take_snapshot(self.coordinator, self.address), Amounts.of(self.coordinator.token)
        if now.eth == 0 and not is_free(self.coordinator.web3.eth):
            raise Lacking(f"{self.address} has no ether: without it nothing is sent, no conviction either")
        short = f"; a proposal takes {amounts(now.bond)}, `watch` takes none" if now.tokens < now.bond else ""
        return f"{ether(now.eth)} ETH, {amounts(now.tokens)}{short}"

    def store(self) -> str:
        return open_shared_store(self.config, lambda: self.coordinator).check()


CHECKS = (
    Check("chain", (), Patient.chain),
    Check("depth", (), Patient.depth),
    Check("account", (), Patient.account),
    Check("needs", ("chain", "account"), Patient.needs),
    Check("funds", ("chain", "account"), Patient.funds),
    Check("store", (), Patient.store),
)


def examine(config: AggregatorConfig) -> Iterator[CheckResult]:
    """All checks, in order. Checks that depend on a failed one say so instead of failing too."""
    return examined(CHECKS, Patient(config))
