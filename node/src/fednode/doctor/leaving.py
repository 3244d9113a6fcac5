"""What leaves this site once the node runs: never a fault, but said before anything does."""

from __future__ import annotations

from fednode.doctor.check import Patient
from fednode.privacy import NEVER, leaving


def leaves(patient: Patient) -> str:
    session = patient.session
    return f"{leaving(session.coordinator.config().is_masked)}, {session.config.store.url}; never {NEVER}"
