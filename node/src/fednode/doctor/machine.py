"""What else this machine must give: the monitor's port."""

from __future__ import annotations

from fedprotocol.monitor.health import Health
from fedprotocol.monitor.server import PortTaken, serve

from fednode.doctor.check import NotFit, Patient


def monitor(patient: Patient) -> str:
    config = patient.session.config
    port = config.monitor.port
    if not port:
        return "off ([monitor] port is 0)"
    if patient.running() is None:
        try:
            with serve(port, Health(config.chain.poll_seconds)):
                pass
        except PortTaken as error:
            raise NotFit(str(error), patient.edit("[monitor] port")) from error
    return f"/metrics and /health on 127.0.0.1:{port}"
