"""What everybody has, and what honest work has earned by the chain's weights."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.events import scan
from fedprotocol.types import Phase
from support.evm import Anvil
from web3 import Web3

from attacks.judge import Account


@dataclass
class Party:
    """Addresses of one owner: colluding accounts are one party. `due`: beyond what `earned` finds for honest ones."""

    name: str
    honest: bool
    due: int = 0
    addresses: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Opening:
    """An address when it became known."""

    block: int
    tokens: int
    ether: int


class Books:
    """Of one federation. Amounts in token units and wei."""

    def __init__(self, chain: Anvil, coordinator: Coordinator) -> None:
        self._chain = chain
        self._coordinator = coordinator
        self._first = chain.web3.eth.block_number
        self._sponsor = coordinator.config().sponsor
        self._opened: dict[str, _Opening] = {}
        self.parties: list[Party] = []

    def party(self, name: str, honest: bool) -> Party:
        """The party of this name, a new one if there is none. Its first addresses say what it had."""
        known = next((party for party in self.parties if party.name == name), None)
        if known is None:
            known = Party(name, honest)
            self.parties.append(known)
        assert known.honest is honest, f"{name} cannot be both"
        return known

    def enter(self, party: Party, address: str) -> None:
        """From here on what `address` has is watched. Whatever it is given by the arena must be there already."""
        block = self._chain.web3.eth.block_number
        self._opened[address] = _Opening(block, self._tokens(address), self._ether(address))
        party.addresses.append(address)

    def close(self) -> list[Account]:
        """Apply what time has decided to every address, then take stock of all parties."""
        for address in self._opened:
            self._settle(address)
        used = self._used()
        return [self._account(party, used) for party in self.parties]

    def check_balance(self) -> None:
        """The balance equation of the coordinator. Raises AssertionError."""
        parts = self._coordinator.balances()
        held = self._coordinator.token.balance_of(self._coordinator.address)
        assert held == sum(vars(parts).values()), f"the coordinator holds {held} token units and answers for {parts}"

    def _settle(self, address: str) -> None:
        self._chain.do(self._coordinator.calls.settle(address), self._chain.accounts[-1])

    def _account(self, party: Party, used: dict[str, tuple[int, int]]) -> Account:
        openings = [self._opened[address] for address in party.addresses]
        ether = sum(map(self._ether, party.addresses))
        return Account(
            name=party.name,
            honest=party.honest,
            before=sum(opening.tokens for opening in openings),
            after=sum(map(self._tokens, party.addresses)),
            due=party.due + sum(earned(self._coordinator, self._first, a) for a in party.addresses if party.honest),
            ether=sum(opening.ether for opening in openings) - ether,
            gas=sum(used[address][0] for address in party.addresses),
            fees=sum(used[address][1] for address in party.addresses),
        )

    def _ether(self, address: str) -> int:
        return self._chain.web3.eth.get_balance(Web3.to_checksum_address(address))

    def _tokens(self, address: str) -> int:
        """Wallet, stake, owed, live bonds; what the sponsor put in and nobody has earned yet is the sponsor's."""
        coordinator = self._coordinator
        tokens = coordinator.token.balance_of(address) + coordinator.owed(address) + coordinator.seat(address).stake
        last = coordinator.last_opened()
        for number in range(max(1, last - 1), last + 1):
            if not coordinator.round_view(number).phase.settled:
                tokens += sum(p.bond for p in coordinator.proposals(number) if p.proposer == address)
        if address == self._sponsor:
            balances = coordinator.balances()
            tokens += balances.pool + balances.reserved
        return tokens

    def _used(self) -> dict[str, tuple[int, int]]:
        """Gas and wei that each address spent on transactions since it was entered."""
        used: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
        by_lower = {address.lower(): address for address in self._opened}
        for number in range(self._first, self._chain.web3.eth.block_number + 1):
            for receipt in self._chain.rpc("eth_getBlockReceipts", hex(number)):
                address = by_lower.get(receipt["from"].lower())
                if address is not None and number > self._opened[address].block:
                    gas = int(receipt["gasUsed"], 16)
                    so_far, paid = used[address]
                    used[address] = so_far + gas, paid + gas * int(receipt["effectiveGasPrice"], 16)
        return used


def earned(coordinator: Coordinator, first_block: int, address: str) -> int:
    """What the rules owe an honest address for its work, computed from the chain's weights, bonds and configuration.

    Its share of every final round it revealed and attested in, whether or not its update was accepted; the
    aggregator's share of those it won; half of every bond it convicted; for the sponsor, minus what others were paid.
    """
    total = 0
    for number in range(1, coordinator.last_opened() + 1):
        view = coordinator.round_view(number)
        if view.phase is not Phase.FINAL:
            continue
        updates = coordinator.updates(number)
        shares = _shares(coordinator, {update.client: update.weight for update in updates})
        total += sum(shares[u.client] for u in updates if u.client == address and u.attested)
        total += aggregator_share(coordinator) if view.aggregator == address else 0
        if address == coordinator.config().sponsor:
            paid = [u for i, u in enumerate(updates) if u.attested and view.accepted_mask >> i & 1]
            total -= aggregator_share(coordinator) + sum(shares[update.client] for update in paid)
    return total + bounties(coordinator, first_block, address)


def share(coordinator: Coordinator, round_number: int, client: str, weight: int | None = None) -> int:
    """A client's share of a round's reward for its weight by the chain, or as if it had been `weight`."""
    weights = {update.client: update.weight for update in coordinator.updates(round_number)}
    weights[client] = weights[client] if weight is None else weight
    return _shares(coordinator, weights)[client]


def _shares(coordinator: Coordinator, weights: dict[str, int]) -> dict[str, int]:
    """Of a round with these weights, by client."""
    pot, total = coordinator.config().round_reward - aggregator_share(coordinator), sum(weights.values())
    return {client: pot * weight // total for client, weight in weights.items()}


def aggregator_share(coordinator: Coordinator) -> int:
    """What the proposer of a round's global is paid."""
    config = coordinator.config()
    return config.round_reward * config.aggregator_bps // 10_000


def bounties(coordinator: Coordinator, first_block: int, challenger: str) -> int:
    """Half of every bond that `challenger` convicted, by the bonds that the chain took."""
    events = list(scan(coordinator, first_block, coordinator.web3.eth.block_number, ("Proposed", "Convicted")))
    bonds = {(e.args["round"], e.args["root"]): e.args["bond"] for e in events if e.name == "Proposed"}
    won = [e.args for e in events if e.name == "Convicted" and e.args["challenger"] == challenger]
    return sum(bonds[args["round"], args["root"]] // 2 for args in won)
