"""What a federation of some size costs whom, in gas, before there is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from fedaggregator.disputes.price import CaseSize
from fedaggregator.rules import Rule, rule_named, rule_of_spec
from fedprotocol.deployment.costs import CONTRACTS, costs
from fedprotocol.spec import Spec

USUAL_LEAVES, USUAL_LEAF_VALUES, USUAL_BITS, USUAL_ROUNDS = 512, 1_024, 8, 60
"""An adapter of half a million values, where there is no spec yet."""


@dataclass(frozen=True)
class Size:
    """Everything on which the gas depends. `leaves`: of an update, of `values` values of `bits` bits each."""

    sites: int
    rounds: int
    rule: Rule
    leaves: int
    values: int
    bits: int

    @classmethod
    def of_spec(cls, spec: Spec, sites: int) -> Self:
        """Raises RuleError for a spec whose rule is not known here."""
        layout = spec.layout
        rule = rule_of_spec(spec)
        return cls(sites, spec.training.rounds, rule, layout.leaf_count, layout.leaf_values, layout.mantissa_bits)

    @classmethod
    def usual(cls, sites: int) -> Self:
        return cls(sites, USUAL_ROUNDS, rule_named("fedavg"), USUAL_LEAVES, USUAL_LEAF_VALUES, USUAL_BITS)


@dataclass(frozen=True)
class Share:
    """`what` costs `gas`, and `who` pays it."""

    who: str
    what: str
    gas: int


def shares(size: Size) -> tuple[Share, ...]:
    """Who pays for what, dearest case. Raises FedError for a case that no transaction has room for."""
    cost = costs(size.sites, size.leaves * size.rule.parts)
    case = CaseSize.largest(size.rule, size.sites, size.values, size.bits, size.leaves)
    proof = sum(call.gas for call in case.calls())
    site, aggregator = "each site", "whoever aggregates"
    together = cost.round_of(size.sites)
    return (
        Share("the sponsor", "the three contracts", CONTRACTS),
        Share(site, "joining", cost.to_join),
        Share(site, "a round", cost.a_round),
        Share(site, f"{size.rounds} rounds", size.rounds * cost.a_round),
        Share(site, "leaving", cost.to_leave),
        Share("who opens a round", "on top", cost.opening + cost.settling),
        Share(aggregator, "a proposal", cost.proposal),
        Share("all together", "a round", together),
        Share("all together", f"{size.rounds} rounds", size.rounds * together),
        Share("a challenger", "convicting a wrong global", proof),
    )
