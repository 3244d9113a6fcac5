"""How much stake a node wants: the federation's least and room for penalties, or what its config says."""

from __future__ import annotations

from dataclasses import dataclass

from fedprotocol.chain.amounts import Amounts
from fedprotocol.types import FederationConfig

from fednode.config import NodeSection


@dataclass(frozen=True)
class StakeChoice:
    """`stake`: token units to hold. `borne`: how many penalties it loses before the seat is suspended; None: a penalty
    costs nothing in this federation."""

    stake: int
    borne: int | None


def wanted_stake(
    node: NodeSection, terms: FederationConfig, amounts: Amounts, penalties: int | None = None
) -> StakeChoice:
    """What `[node] stake` says, or else the least and `penalties` more penalties (default: `[node] penalties`).

    Raises AmountError if the token cannot express it.
    """
    room = node.penalties if penalties is None else penalties
    chosen = 0 if penalties is not None else amounts.units(node.stake)
    return stake_choice(chosen or terms.min_stake + room * terms.penalty, terms)


def stake_choice(stake: int, terms: FederationConfig) -> StakeChoice:
    """A stake of so many token units."""
    return StakeChoice(stake, max(0, (stake - terms.min_stake) // terms.penalty) if terms.penalty else None)


def stake_in_words(choice: StakeChoice, terms: FederationConfig, amounts: Amounts) -> str:
    """What it is made of, and what it bears."""
    rest = choice.stake - terms.min_stake
    said = f"{amounts(choice.stake)}: the least, {amounts(terms.min_stake)}" + (
        f", and {amounts(rest)} more" * (rest > 0)
    )
    if choice.borne is None:
        return f"{said}; a penalty costs nothing here"
    penalty = f"a missed reveal or vote costs {amounts(terms.penalty)}"
    if choice.borne == 0:
        return f"{said}; {penalty}, and the first one suspends the seat"
    times = "one penalty" if choice.borne == 1 else f"{choice.borne} penalties"
    return f"{said}; {penalty}, and the seat is suspended only after {times}"
