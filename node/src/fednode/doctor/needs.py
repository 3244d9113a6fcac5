"""What the chain's node must serve once there is something to convict, and how deep what is acted upon lies."""

from __future__ import annotations

from fedprotocol.chain.needs import Asked, answers
from fedprotocol.config import DEVELOPMENT_CHAINS

from fednode.doctor.check import NotFit, Patient


def needs(patient: Patient) -> str:
    """Every kind of call that a conviction takes."""
    session = patient.session
    asked = Asked(session.coordinator, session.address, session.config.chain.confirmations)
    found = list(answers(asked))
    missing = [answer for answer in found if answer.is_missing]
    if missing:
        said = "; ".join(f"{answer.need.name} ({answer.problem})" for answer in missing)
        raise NotFit(f"the chain's node does not serve: {said}", patient.edit("[chain] rpc: add or name another node"))
    replaced = [answer for answer in found if answer.problem]
    words = "; ".join(f"not served: {answer.need.name}, {answer.need.without}" for answer in replaced)
    return f"{len(found) - len(replaced)} kinds of calls that a conviction takes are served" + (
        f"; {words}" if words else ""
    )


def confirmations(patient: Patient) -> str:
    """What the setting means."""
    chain = patient.session.config.chain
    if chain.confirmations:
        return f"what is acted upon and sent lies under {chain.confirmations} blocks"
    if chain.chain_id in DEVELOPMENT_CHAINS:
        return "0: every block counts as final, as is usual on a development chain"
    return (
        "0, as the config file says: every block counts as final. One that a re-org takes back was answered by then "
        "with what cannot be taken back, such as a reveal"
    )
