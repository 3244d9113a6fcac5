"""What the federation's rule makes of the updates, in a sentence."""

from __future__ import annotations

from fedaggregator.rules import RuleError, rule_named


def rule_in_words(name: str) -> str:
    """Empty if this version does not know the rule."""
    try:
        return rule_named(name).summary
    except RuleError:
        return ""
