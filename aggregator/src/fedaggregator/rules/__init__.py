"""Aggregation rules, found by the names of their contracts. A module of this package that has a rule names it `RULE`,
and the rule computes the same as its contract. The other modules have what several rules share."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules

from fedprotocol.printable import LONGEST_NAME, printable
from fedprotocol.spec import Spec, SpecMismatch

from fedaggregator.rules.base import Rule, RuleError
from fedaggregator.rules.masked_mean import MaskedMean

_MODULES = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
RULES: dict[str, Rule] = {module.RULE.name: module.RULE for module in _MODULES if hasattr(module, "RULE")}


def rule_named(name: str, parameters: Sequence[int] = ()) -> Rule:
    """The Python version of the contract whose `name()` is `name` and whose constructor was given `parameters`.

    Raises:
        RuleError: this version does not know the rule, or not with these parameters.
    """
    try:
        return _given(RULES[name], parameters)
    except KeyError:
        known = ", ".join(RULES)
        shown = printable(name, LONGEST_NAME)
        raise RuleError(f"there is no rule {shown!r} here; this version knows {known}: update fedaggregator") from None


def rule_of_spec(spec: Spec) -> Rule:
    """The Python version of the rule that `spec` names.

    Raises:
        RuleError: this version does not know the rule.
        SpecMismatch: the spec and the rule disagree about the parts of a global.
    """
    masking = spec.masking
    rule = rule_named(spec.rule, () if masking is None else (masking.scale, masking.bound))
    if spec.layout.parts != rule.parts:
        raise SpecMismatch(
            f"the spec's globals have {spec.layout.parts} leaves for each of an update (layout.parts), those of its "
            f"rule {rule.name} have {rule.parts}"
        )
    return rule


def _given(rule: Rule, parameters: Sequence[int]) -> Rule:
    if not parameters:
        return rule
    if isinstance(rule, MaskedMean) and len(parameters) == 2:
        return MaskedMean(*parameters)
    raise RuleError(f"{rule.name} takes no parameters like {list(parameters)}; update fedaggregator")


__all__ = ["RULES", "Rule", "RuleError", "rule_named", "rule_of_spec"]
