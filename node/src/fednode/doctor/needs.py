"""What the chain's node must serve once there is something to convict, and how deep what is acted upon lies."""

from __future__ import annotations

from fedprotocol.chain.needs import Asked, NotServed, describe_served, probe
from fedprotocol.chains import describe_depth

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
    """How many confirmations there are, what they mean on this chain, and whether that is usual."""
    chain = patient.session.config.chain
    return describe_depth(chain.chain_id, chain.confirmations)
