"""What the site's own policy says of this federation."""

from __future__ import annotations

from fednode.doctor.check import NotFit, Patient
from fednode.policy.document import PolicyError
from fednode.policy.verdict import missing_peers
from fednode.site_policy import policy_of


def policy(patient: Patient) -> str:
    session = patient.session
    try:
        found = policy_of(session)
    except PolicyError as error:
        raise NotFit(str(error), patient.edit("policy, or the file that it names")) from error
    if found.refusal:
        failed = {result.name for result in found.results if not result.ok}
        signs = failed <= {"approval", "log"}
        fix = patient.fednode("policy", "approve") if signs else patient.fednode("policy", "check")
        raise NotFit(found.refusal, fix)
    said = "; ".join(result.detail for result in found.results)
    allowance = found.allowance
    if allowance is None or not allowance.peers:
        return said
    seats = session.coordinator.clients()
    lacking = missing_peers(allowance, session.address, seats)
    return f"{said}; {lacking or 'enough of the peers that it names hold seats'}"
