"""How large a proposer's bond and how long the shortest window must be. Both follow from the price of the proof that
convicts.

`docs/decisions/015-bond-priced-at-deployment.md` says why it is computed here and not by the contract.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal, localcontext

from fedprotocol.deployment.federation_file import Federation, FederationError
from fedprotocol.spec import Spec

from fedaggregator.disputes.price import CaseSize
from fedaggregator.rules import rule_named

PROOFS = 4  # a bond is worth this many proofs, so that the bounty, which is half of it, pays for two
WINDOW_CALLS = 10  # the shortest window is this many times as long as the longest case
GWEI = Decimal(10) ** -9  # ether


def largest_case(federation: Federation, spec: Spec) -> CaseSize:
    """The dearest proof that can be needed in this federation."""
    layout = spec.layout
    return CaseSize.largest(
        rule_named(spec.rule),
        federation.members.max_clients,
        layout.leaf_values,
        layout.mantissa_bits,
        layout.leaf_count,
    )


def least_bond(federation: Federation, spec: Spec) -> Decimal:
    """The least bond in whole tokens: at least a quarter of a round's reward, and at least four proofs at the file's
    price of gas and of ether."""
    proof = federation.proof
    gas = sum(call.gas for call in largest_case(federation, spec).calls())
    price = gas * proof.gas_price * GWEI * (proof.ether or 0)
    return max(federation.money.round_reward / 4, PROOFS * price)


def least_window(federation: Federation, spec: Spec) -> int:
    """The shortest window in seconds: ten times as many blocks as the longest case has calls, because the calls follow
    one another."""
    calls = len(list(largest_case(federation, spec).calls()))
    return WINDOW_CALLS * calls * federation.proof.block_time


def settled(federation: Federation, spec: Spec, decimals: int) -> Federation:
    """`federation` with its bond: the bond that it names or, if it names none, the least bond, rounded up to the
    token's `decimals`. Raises: FederationError: the bond is worth too little for the proofs, the window is too
    short for them, or there may be more clients than a leaf can be proved wrong for. RuleError: this version does
    not know the spec's rule.
    """
    values, bits = spec.layout.leaf_values, spec.layout.mantissa_bits
    provable = rule_named(spec.rule).max_clients(values, bits)
    if federation.members.max_clients > provable:
        raise FederationError(
            f"members.max_clients = {federation.members.max_clients}: with leaves of {values} values of {bits} bits, a "
            f"wrong global of {spec.rule} can be proved wrong for {provable} sites at most; set it to {provable} or "
            "less, or write a spec with smaller leaves (`fednode spec new --leaf-values`)"
        )
    least, window = least_bond(federation, spec), least_window(federation, spec)
    if federation.phases.min_window < window:
        raise FederationError(
            f"phases.min_window = {federation.phases.min_window} s: the longest case against a proposal takes "
            f"{window // WINDOW_CALLS} s ({federation.members.max_clients} clients, a block every "
            f"{federation.proof.block_time} s), and the window must hold it ten times: {window} s at least"
        )
    bond = federation.money.bond
    if bond is None:
        with localcontext(prec=80):
            bond = least.quantize(Decimal(1).scaleb(-decimals), ROUND_CEILING)
    if bond < least:
        raise FederationError(
            f"money.bond = {bond:f}: it must be worth four proofs and a quarter of round_reward, which is {least:f} "
            f"tokens (gas at {federation.proof.gas_price:f} gwei, {federation.proof.ether or 0:f} tokens an ether); "
            "leave bond out, and it is set to that"
        )
    return federation.model_copy(update={"money": federation.money.model_copy(update={"bond": bond})})
