"""What a deployment would be and cost, in words: read before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from fedaggregator.disputes import bond
from fedaggregator.rules import rule_named
from fedprotocol.address import NOBODY
from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.errors import translated
from fedprotocol.chain.read.token import Token
from fedprotocol.chains import describe_depth, known_chain, usual_confirmations
from fedprotocol.config import ConfigError
from fedprotocol.deployment.costs import APPROVE, Cost, costs, ether, gas_of, in_short
from fedprotocol.deployment.federation_file import Federation, to_units
from fedprotocol.deployment.masked import check_masked, most_examples
from fedprotocol.spec import Spec

from fednode.federation.creation_costs import creation_costs
from fednode.federation.network import Network, SponsorError
from fednode.sponsor.new_spec import NewFederation

DEMO_AMOUNTS = Amounts(18, "FED")
"""How amounts are written where no token is named yet."""
FUNDING = APPROVE + gas_of("fund", 0)
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def planned(network: Network, federation: Federation, made: NewFederation, gwei: str) -> list[str]:
    """The plan of deploying on this network, in lines.

    Args:
        gwei: a price of gas to reckon with; empty: the file's.

    Raises:
        FedError: the file cannot be deployed on this chain, or the price is none.
    """
    web3, token = network.web3, federation.money.token
    try:
        price = Decimal(gwei) if gwei else federation.proof.gas_price
    except InvalidOperation:
        raise SponsorError(f"{gwei!r} is no price of gas in gwei, such as 20 or 0.01") from None
    if federation.proof.ether is None and not network.is_development:
        raise ConfigError("proof.ether: say how many tokens an ether is worth; the bond is priced by it")
    money = DEMO_AMOUNTS
    if token is not None:
        Token(web3, token).require(NOBODY)
        money = Amounts.of(Token(web3, token))
    check_masked(federation, made.spec, network.chain_id)
    federation = bond.settled(federation, made.spec, money.decimals)
    with translated("the price of gas"):
        now = Decimal(int(web3.eth.gas_price)) / 10**9
    creations = creation_costs(federation, made.spec, made.digest, money.decimals, network)
    lines = [*Plan(network, federation, made.spec, money, Prices(price, now), creations).lines()]
    if token is None and not network.is_development:
        lines += ["", "money.token must be named before this is deployed; amounts are of a token with 18 decimals"]
    return lines


@dataclass(frozen=True)
class Prices:
    """The price of a unit of gas in gwei: the one in the file, and the chain's present one (None if gas is free)."""

    file: Decimal
    now: Decimal | None


@dataclass(frozen=True)
class Plan:
    """A federation that is checked, with its bond. `creations`: the gas for each contract; 0 if it exists already."""

    network: Network
    federation: Federation
    spec: Spec
    money: Amounts
    prices: Prices
    creations: Mapping[str, int]

    def lines(self) -> Iterator[str]:
        yield f"Plan of {self.spec.name!r} on {self.network.name}. Nothing is sent"
        for title, part in (
            ("Members", self._members()),
            ("Time", self._time()),
            ("Money", self._tokens()),
            ("You pay", self._deployment()),
            ("Each site pays", self._site()),
            ("Whoever aggregates pays", self._aggregator()),
            ("Whoever convicts a wrong global pays", self._proof()),
        ):
            yield ""
            yield title
            yield from (f"  {line}" for line in part)

    def _members(self) -> Iterator[str]:
        members = self.federation.members
        yield f"{members.min_clients} to {members.max_clients} sites take part in a round"
        if self.spec.is_masked:
            yield "nobody sees more of their updates than the sum; all who commit must finish, or the round is void"
            yield f"a site counts for at most {most_examples(self.federation):,} examples"
        if members.allowlist:
            add = self.network.command("members allow")
            yield f"on the list are {len(members.allowlist)} accounts; {add} adds others later"
        elif members.gate:
            yield f"whom the contract {members.gate} admits"
        else:
            yield "anybody with a stake; this cannot be changed later"

    def _time(self) -> Iterator[str]:
        phases, rounds = self.federation.phases, self.spec.training.rounds
        longest = phases.train + phases.reveal + phases.attest + phases.challenge
        yield (
            f"{rounds} rounds; each lasts at most {span(longest)}: train {span(phases.train)}, reveal "
            f"{span(phases.reveal)}, attest {span(phases.attest)}, challenge {span(phases.challenge)}"
        )
        yield f"phases end when all have acted; a global is final {span(phases.min_window)} after its proposal at best"
        yield f"all rounds take at most {span(rounds * longest)}, if every round has somebody who is late"
        yield f"confirmations {describe_depth(self.network.chain_id, usual_confirmations(self.network.chain_id))}"

    def _tokens(self) -> Iterator[str]:
        money, rounds = self.federation.money, self.spec.training.rounds
        said, share = self._said, money.aggregator_share
        yield (
            f"a round pays {said('round_reward')}, {share * 100:.4g} % of it to the aggregator; {rounds} rounds pay "
            f"{self.money(rounds * self._units('round_reward'))}"
        )
        yield f"into the pool goes {said('pool')} at once; {self.network.command('fund')} adds the rest at any time"
        yield f"a seat takes a stake of {said('min_stake')}; a site that fails in a round loses {said('penalty')}"
        yield f"an example counts for {said('stake_per_example')} of stake"
        yield f"a proposal takes a bond of {said('bond')}, which comes back unless it is wrong"

    def _deployment(self) -> Iterator[str]:
        for name, gas in self.creations.items():
            yield f"{name:<22}" + (f"{gas:>11,} gas" if gas else " it is there already")
        yield f"{'in all':<22}{self._priced(sum(self.creations.values()))}"
        yield f"and {self._said('pool')} for the pool, in two transactions of {FUNDING:,} gas"

    def _site(self) -> Iterator[str]:
        gas, rounds = self._gas, self.spec.training.rounds
        yield f"{'to join':<22}{self._priced(gas.to_join)}, and the stake"
        yield f"{'a round':<22}{self._priced(gas.a_round)}"
        yield f"{'if it opens the round':<22}{self._priced(gas.opening + gas.settling)}, on top"
        yield f"{f'{rounds} rounds':<22}{self._priced(rounds * gas.a_round)}"
        yield f"{'to leave':<22}{self._priced(gas.to_leave)}"

    def _aggregator(self) -> Iterator[str]:
        yield f"{'a proposal':<22}{self._priced(self._gas.proposal)}, and the bond while it is open"

    def _proof(self) -> Iterator[str]:
        calls = list(bond.largest_case(self.federation, self.spec).calls())
        gas = sum(call.gas for call in calls)
        yield f"{f'at most, {len(calls)} call' + ('s' if len(calls) > 1 else ''):<22}{self._priced(gas)}"
        yield f"and gets half of the bond, {self.money(self._units('bond') // 2)}"
        chain = known_chain(self.network.chain_id)
        if chain is not None and chain.pays_for_data:
            yield f"On {chain.name} a fee for the bytes that it puts on Ethereum comes on top of all these"

    @property
    def _gas(self) -> Cost:
        leaves = self.spec.layout.leaf_count * rule_named(self.spec.rule).parts
        return costs(self.federation.members.max_clients, leaves)

    def _priced(self, gas: int) -> str:
        now = "" if self.prices.now is None else f", {in_short(ether(gas, self.prices.now))} now"
        return f"{gas:>11,} gas, {in_short(ether(gas, self.prices.file))} ETH at {self.prices.file:f} gwei{now}"

    def _said(self, key: str) -> str:
        return self.money(self._units(key))

    def _units(self, key: str) -> int:
        return to_units(key, getattr(self.federation.money, key), self.money.decimals)


def span(seconds: int) -> str:
    """`5400` -> `1 h 30 min`: two units at most."""
    parts = []
    for size, name in UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"
