"""Which chain, whose account and which files a sponsor's commands work with, and which federation they mean."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fedprotocol.chain.account.signer import Signer
from fedprotocol.chain.endpoint.rpc import connect_web3
from fedprotocol.chain.errors import translated
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.send.development import is_development
from fedprotocol.chain.send.fees import FeePolicy
from fedprotocol.chains import known_chain, usual_confirmations
from fedprotocol.deployment.contract_code import ContractCode
from fedprotocol.deployment.record import Deployment, deployments, load_deployment
from fedprotocol.errors import FedError
from fedprotocol.journal import Journal
from fedprotocol.program.terminal import say
from web3 import Web3

from fednode.federation.purse import Purse


class SponsorError(FedError):
    """A sponsor asked for something that is not possible here. The message says what would be."""


@dataclass(frozen=True)
class Network:
    """A chain, and what a sponsor's commands need besides.

    Attributes:
        rpc: URLs of Ethereum nodes, tried in order.
        records: the folder `deployments/`, with a file for each federation.
        cache: a folder for what is only kept to be quick, and for transactions that are under way.
        open_signer: opens the account; commands that send nothing never call it.
        code: the contract of a name, as it is deployed here.
        wanted: names one of several federations on the chain; empty: the one last deployed.
        choose: how a person names another one, for messages.
        program: what a person writes before a command, such as `fednode federation`, for messages.
    """

    rpc: tuple[str, ...]
    chain_id: int
    records: Path
    cache: Path
    open_signer: Callable[[Network], Signer]
    code: Callable[[str], ContractCode]
    wanted: str
    choose: str
    program: str

    @cached_property
    def web3(self) -> Web3:
        """A client made like that of all programs. Raises ChainUnreachable, WrongChain."""
        return connect_web3(self.rpc, self.chain_id)

    @cached_property
    def is_development(self) -> bool:
        """Whether the chain is a local one for development, where ether and tokens cost nothing."""
        return is_development(self.web3)

    @property
    def name(self) -> str:
        """What people call the chain."""
        chain = known_chain(self.chain_id)
        return f"{chain.name} (chain {chain.id})" if chain is not None else f"chain {self.chain_id}"

    def has_code(self, address: str) -> bool:
        """Whether there is a contract at this address. Raises ChainError."""
        with translated("eth_getCode"):
            return bool(self.web3.eth.get_code(Web3.to_checksum_address(address)))

    def command(self, words: str) -> str:
        """How a person calls one of these commands, in backquotes."""
        return f"`{self.program} {words}`"

    def connect(self, coordinator: str) -> Coordinator:
        """A client of this coordinator. Raises NoContract, NotACoordinator, ChainUnreachable."""
        return Coordinator.connect(self.rpc, coordinator, self.chain_id)

    def current(self) -> tuple[Deployment, Coordinator]:
        """The federation that is `wanted`, with a client of its coordinator. Of several it is said which one it is.

        Raises DeploymentError, ChainError.
        """
        deployment = load_deployment(self.records, self.chain_id, self.wanted)
        if len(deployments(self.records, self.chain_id)) > 1:
            how = "" if self.wanted else f", the one last deployed here; {self.choose} chooses another"
            say(f"federation {deployment.name}, {deployment.coordinator}{how}")
        return deployment, self.connect(deployment.coordinator)

    @contextmanager
    def sending(self) -> Iterator[Purse]:
        """A sender for the account that works like that of the programs: transactions of an earlier run are followed up
        first, and a transaction counts once it is confirmed. On a development chain, which may have been started
        again, nothing is kept."""
        signer = self.open_signer(self)
        confirmations = 0 if self.is_development else usual_confirmations(self.chain_id)
        with tempfile.TemporaryDirectory() as forgotten:
            folder = Path(forgotten) if self.is_development else self.cache
            with Journal(folder / f"sent-{self.chain_id}-{signer.address}.sqlite") as journal:
                yield Purse(self.web3, signer, journal, FeePolicy(confirmations=confirmations))
