"""Aggregation rules by the name their contracts give: a new algorithm is a new pair of twins, listed here."""

from __future__ import annotations

from fedaggregator.rules.base import Rule, RuleError
from fedaggregator.rules.fedavg import FedAvg

RULES: dict[str, Rule] = {rule.name: rule for rule in (FedAvg(),)}


def rule_named(name: str) -> Rule:
    """The twin of the contract whose `name()` is `name`.

    Raises:
        RuleError: this version does not know the rule.
    """
    try:
        return RULES[name]
    except KeyError:
        known = ", ".join(RULES)
        raise RuleError(
            f"the federation's rule is {name!r}; this version knows {known}: update fedaggregator"
        ) from None


__all__ = ["RULES", "Rule", "RuleError", "rule_named"]
