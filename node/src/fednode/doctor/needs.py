"""What the chain's node must serve once there is something to convict, and how deep what is acted upon lies."""

from __future__ import annotations

from fedprotocol.chain.needs import Asked, NotServed, describe_depth, describe_served, probe

from fednode.doctor.check import NotFit, Patient


def needs(patient: Patient) -> str:
    """Every kind of call that a conviction takes."""
    session = patient.session
    asked = Asked(session.coordinator, session.address, session.config.chain.confirmations)
    try:
        return describe_served(list(probe(asked)))
    except NotServed as error:
        raise NotFit(str(error), patient.edit("[chain] rpc: add or name another node")) from error


def depth(patient: Patient) -> str:
    """What the setting `confirmations` means."""
    return describe_depth(patient.session.config.chain)
