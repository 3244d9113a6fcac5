"""What else this machine must give: the monitor's port."""

from __future__ import annotations

from fedaggregator.doctor import shared

from fednode.doctor.check import Patient


def monitor(patient: Patient) -> str:
    return shared.monitor(patient.session.config, patient.running() is not None, patient.say)
