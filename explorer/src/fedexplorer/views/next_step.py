"""What goes on in a round and what comes next, in plain sentences."""

from __future__ import annotations

from typing import assert_never

from fedprotocol.chain.read.penalties import is_refused
from fedprotocol.types import FederationConfig, Phase, RoundView, VoidReason


def what_goes_on(number: int, view: RoundView, config: FederationConfig) -> str:
    """What the participants of round `number` do now, and what ends it."""
    match view.phase:
        case Phase.NONE:
            return f"Round {number} is not open."
        case Phase.TRAIN if config.is_masked:
            return (
                "The sites train on their own data, and what they have learned stays there. Each that has commits to "
                f"taking part, with a fresh key for its masks: {view.committed} of {view.active} have. This ends when "
                "all have, or when the time is up. Then who takes part is fixed."
            )
        case Phase.TRAIN:
            return (
                f"The sites train on their own data, and each commits to what it has learned: {view.committed} of "
                f"{view.active} have. This ends when all have, or when the time is up. Then they reveal."
            )
        case Phase.WAITING:
            return (
                f"Training is over. The round waits until round {number - 1} is settled, because it starts from there."
            )
        case Phase.REVEAL if config.is_masked:
            return (
                "Who takes part is fixed. Each site masks what it has learned for exactly those sites, and says which "
                f"masked update is its own: {view.revealed} of {view.matching} have. No update leaves its site yet. If "
                "one site does not say it in time, the round is void, and none ever leaves."
            )
        case Phase.ATTEST if config.is_masked:
            return (
                "Each site publishes its masked update, fetches those of the others, and says which of them are there "
                f"and whole: {view.attested} of {view.revealed} have. Then anybody may propose the next global. If the "
                "sites do not vouch for every update, the round is void."
            )
        case Phase.REVEAL:
            return (
                f"The sites publish what they committed to: {view.revealed} of {view.matching} have. "
                "Then each checks the updates of the others."
            )
        case Phase.ATTEST:
            return (
                f"Each site fetches the updates of the others and says which of them are sound: {view.attested} of "
                f"{view.revealed} have. Then anybody may propose the next global."
            )
        case Phase.AGGREGATE if config.is_masked:
            return (
                f"{_updates(view.accepted_mask.bit_count())} accepted, and the masks cancel in their sum. Anybody may "
                "compute the global that follows from it, and propose it with a bond; or, if the sum is none of honest "
                "updates, make the round void."
            )
        case Phase.AGGREGATE:
            return (
                f"{_updates(view.accepted_mask.bit_count())} accepted. Anybody may compute the global that "
                "follows from them, and propose it with a bond."
            )
        case Phase.CHALLENGE:
            live = "A global model is" if view.live == 1 else f"{view.live} global models are"
            wrong = (
                "it is wrong, or the sum of the updates is none of honest ones" if config.is_masked else "it is wrong"
            )
            return (
                f"{live} proposed. Everybody can check it. If {wrong}, anybody can prove that to the contract "
                "until the time is up; if nobody does, the oldest becomes final."
            )
        case Phase.FINAL:
            return f"Round {number} has a global model."
        case Phase.VOID:
            return f"Round {number} ended without a global model: {why_void(view.void_reason, config)}."
        case _:
            assert_never(view.phase)


def why_void(reason: VoidReason, config: FederationConfig) -> str:
    """Why a round has ended without a global model."""
    match reason:
        case VoidReason.NONE:
            return "it is not void"
        case VoidReason.TOO_FEW_COMMITS:
            return f"fewer than {config.min_clients} sites committed to an update of the right global model"
        case VoidReason.TOO_FEW_REVEALS if config.is_masked:
            return "a site committed and did not reveal, so no site published its update"
        case VoidReason.TOO_FEW_ACCEPTED if config.is_masked:
            return "the sites do not vouch for every update; masked ones say nothing unless all are there"
        case VoidReason.TOO_FEW_REVEALS:
            return "the sites that published their updates stand for less than two thirds of what was committed"
        case VoidReason.TOO_FEW_ACCEPTED:
            return "the updates that the sites vouch for hold less than two thirds of the weight"
        case VoidReason.ABANDONED:
            return "for too long nobody proposed a global, and somebody gave it up"
        case VoidReason.PRIOR_VOID:
            return "the round before it ended without one"
        case VoidReason.GARBAGE:
            return "the updates add up to what no honest ones do, so somebody sent something else than a masked update"
        case _:
            assert_never(reason)


def nobody_pays(revealed: int, matching: int, active: int) -> str:
    """Why it cost nobody anything that members of a masked round did not reveal; empty if it cost them the penalty."""
    if not is_refused(revealed, matching, active):
        return ""
    if matching < active:
        return "Nobody pays for that: not all seats committed, and a site that counts on an absent one has to refuse."
    return "Nobody pays for that: most of the members did not reveal."


def what_comes_next(final: int, config: FederationConfig, pays_for: int, is_closed: bool, active: int) -> str:
    """What comes when no round is open."""
    if final >= config.total_rounds:
        return "All rounds of the federation are done."
    if is_closed:
        return "The sponsor has closed the federation: no further round opens."
    if not pays_for:
        return "The pool cannot pay for another round. Anybody may fund it."
    if active < config.min_clients:
        return f"A round needs {config.min_clients} active participants, and there are {active}."
    return "The next round opens with the first commit."


def _updates(count: int) -> str:
    return "One update is" if count == 1 else f"{count} updates are"
