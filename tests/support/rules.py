"""The rules as tests take them: every one that there is, that of masked federations with a scale of its own."""

from __future__ import annotations

from typing import Any

from fedaggregator.rules import RULES, Rule, rule_named
from support.evm import Chain
from web3.contract import Contract

SCALE, BOUND = 7, 1000
TESTED: dict[str, Rule] = {**RULES, "masked-mean": rule_named("masked-mean", (SCALE, BOUND))}
PUBLIC = [name for name, rule in RULES.items() if 8 in rule.bits]
"""The names of the rules that sum what everybody can read."""


def terms(chain: Chain, rule: Rule, bits: int) -> dict[str, Any]:
    """The rule, and what a federation with it and with values of `bits` bits must have besides."""
    found = {"rule": deployed(chain, rule).address, "mantissaBits": bits}
    if bits != 32:
        return found
    return {
        **found,
        "gate": chain.standing("GateMock").address,
        "maxShift": 0,
        "penalty": 1000,
        "minStake": 33_000 * 10,
    }


def deployed(chain: Chain, rule: Rule, suffix: str = "") -> Contract:
    """A new instance of the rule's contract, or with `suffix` of another one that takes the same parameters."""
    return chain.deploy(rule.contract + suffix, *rule.parameters)
