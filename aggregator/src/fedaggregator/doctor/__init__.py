"""Is everything there that an aggregator or a watchtower needs? Nothing is sent, nothing large is fetched."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from fedprotocol.chain.account.signer import Signer, address_of, open_signer
from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.errors import ether
from fedprotocol.chain.needs import Asked, NotServed, describe_served, probe
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.snapshot import take_snapshot
from fedprotocol.chain.send.fees import FeePolicy, most_paid
from fedprotocol.chains import describe_depth
from fedprotocol.deployment.costs import proposed_gas
from fedprotocol.files.private import open_to_others
from fedprotocol.journal import Journal
from fedprotocol.peers.find import open_shared_store
from fedprotocol.program.doctor import Check, CheckResult, examined
from fedprotocol.spec import Spec
from fedprotocol.store.base import Store

from fedaggregator.compute.inputs import rule_of
from fedaggregator.compute.spec import spec_of
from fedaggregator.config import AggregatorConfig
from fedaggregator.daemon.status import Status, read_status
from fedaggregator.doctor import shared
from fedaggregator.doctor.check import Commands, NotFit, quoted


class Patient:
    """What is looked at, opened by its config when it is first needed. `file`: the config's."""

    def __init__(self, config: AggregatorConfig, file: Path) -> None:
        self.config = config
        self.say = Commands("fedaggregator", file)

    @cached_property
    def coordinator(self) -> Coordinator:
        chain = self.config.chain
        return Coordinator.connect(chain.rpc, chain.coordinator, chain.chain_id)

    @cached_property
    def address(self) -> str:
        return str(address_of(self.config.account))

    @cached_property
    def signer(self) -> Signer:
        return open_signer(self.config.account)

    @cached_property
    def opened(self) -> Store:
        return open_shared_store(self.config, lambda: self.coordinator)

    @cached_property
    def federation(self) -> Spec:
        return spec_of(self.coordinator, self.opened)

    def running(self) -> Status | None:
        """What the aggregator says, if one runs in this home."""
        status = read_status(self.config.status)
        return status if status is not None and status.is_running else None

    def chain(self) -> str:
        rule = rule_of(self.coordinator).name
        return f"chain {self.coordinator.chain_id}, coordinator {self.coordinator.address}, rule {rule}"

    def code(self) -> str:
        return shared.code(self.coordinator, self.config.chain.trusted_code)

    def clock(self) -> str:
        return shared.clock(self.coordinator, self.say)

    def depth(self) -> str:
        return describe_depth(self.config.chain.chain_id, self.config.chain.confirmations)

    def account(self) -> str:
        return shared.account(self.config.account, lambda: self.signer, self.say)

    def needs(self) -> str:
        try:
            return describe_served(list(probe(Asked(self.coordinator, self.address, self.config.chain.confirmations))))
        except NotServed as error:
            raise NotFit(str(error), self.say.edit("[chain] rpc: add or name another node")) from error

    def funds(self) -> str:
        now, amounts = take_snapshot(self.coordinator, self.address), Amounts.of(self.coordinator.token)
        gas = proposed_gas(now.config.max_clients, now.config.leaf_count)
        costs = most_paid(self.coordinator.web3.eth, FeePolicy.of(self.config.chain), gas)
        if now.eth < costs:
            show = self.say.command("account", "show") + "  # the address to send it to"
            if not now.eth:
                raise NotFit(f"{self.address} has no ether: without it nothing is sent, no conviction either", show)
            takes = f"a proposal takes up to {ether(costs, up=True)} ETH"
            raise NotFit(f"{self.address} has too little ether: {ether(now.eth)} ETH, and {takes}", show)
        short = f"; a proposal takes {amounts.needed(now.bond)}, `watch` takes none" if now.tokens < now.bond else ""
        return f"{ether(now.eth)} ETH, {amounts(now.tokens)}{short}"

    def home(self) -> str:
        """One process a journal, and one federation and account."""
        shared.try_home((self.config.home, self.config.cache), (self.config.events, self.config.journal), self.say)

        def bind(journal: Journal) -> None:
            journal.bind(self.config.chain.chain_id, self.coordinator.address, self.address)

        return shared.journal(self.config, bind, self.running, "aggregator", self.say)

    def private(self) -> str:
        """RPC URLs in the config may hold keys."""
        if exposed := open_to_others([self.say.file, self.config.journal]):
            shown = ", ".join(map(str, exposed))
            raise NotFit(f"others may read {shown}", f"chmod go= {' '.join(map(quoted, exposed))}")
        return "nobody else may read the config"

    def store(self) -> str:
        return self.opened.check()

    def peers(self) -> str:
        """Read from somebody: otherwise there is nothing to average."""
        if found := self.opened.reachable():
            return f"{found} can be read from"
        raise NotFit(f"nobody else can be read from: {self.opened.check()}", self.say.edit("[store] peers"))

    def spec(self) -> str:
        return f"“{self.federation.name}” is the contract's"

    def disk(self) -> str:
        terms, keep = self.coordinator.config(), self.config.aggregator.keep_rounds
        fix = self.say.edit("[aggregator] keep_rounds, or home on a larger disk")
        return shared.disk(self.config.home, self.federation.layout, terms, keep, "temporary files", fix)

    def monitor(self) -> str:
        return shared.monitor(self.config, self.running() is not None, self.say)


CHECKS = (
    Check("chain", (), Patient.chain),
    Check("code", ("chain",), Patient.code),
    Check("clock", ("chain",), Patient.clock),
    Check("depth", (), Patient.depth),
    Check("account", (), Patient.account),
    Check("needs", ("chain", "account"), Patient.needs),
    Check("funds", ("chain", "account"), Patient.funds),
    Check("home", ("chain", "account"), Patient.home),
    Check("private", (), Patient.private),
    Check("store", (), Patient.store),
    Check("peers", ("store",), Patient.peers),
    Check("spec", ("chain", "store"), Patient.spec),
    Check("disk", ("spec",), Patient.disk),
    Check("monitor", (), Patient.monitor),
)


def examine(config: AggregatorConfig, file: Path) -> Iterator[CheckResult]:
    """Every check, in order; those that depend on a failed one say so instead of failing too. `file`: the config's."""
    patient = Patient(config, file)
    return examined(CHECKS, patient, patient.say.fix_of)
