"""Whether figures can be handed to the trackers that the config names, and may."""

from __future__ import annotations

from importlib.util import find_spec

from fedprotocol.files.private import exposure

from fednode.doctor.check import NotFit, Patient
from fednode.policy.document import PolicyError
from fednode.policy.verdict import may_be_told
from fednode.site_policy import policy_of

PACKAGES = {"tensorboard": "tensorboard", "wandb": "wandb", "mlflow": "mlflow", "trackio": "trackio"}


def track(patient: Patient) -> str:
    """Packages, keys and the site's policy. No tracker is asked."""
    settings = patient.session.config.track
    if not settings.to:
        return "no tracker of experiments is named in [track]"
    if missing := [tool for tool in settings.to if tool in PACKAGES and find_spec(PACKAGES[tool]) is None]:
        raise NotFit(f"not installed: {', '.join(missing)}", "pip install 'fednode[loggers]'")
    for tool, server in settings.servers.items():
        if server.key_file is None:
            continue
        if not server.key_file.is_file():
            raise NotFit(f"there is no file {server.key_file}", patient.edit(f"[track] {tool}.key_file"))
        if exposed := exposure(server.key_file):
            raise NotFit(exposed.text, exposed.command)
    to = ", ".join(settings.to)
    if not settings.servers:
        return f"{to}: on this machine alone, in {patient.session.config.tracked}"
    try:
        found = policy_of(patient.session)
    except PolicyError as error:
        raise NotFit(str(error), patient.edit("policy, or the file that it names")) from error
    told = [may_be_told(found.policy, found.practice, server.server) for server in settings.servers.values()]
    if refused := [result.detail for result in told if not result.ok]:
        raise NotFit("; ".join(refused), patient.edit("[track], or trackers in the policy"))
    return f"{to}; {'; '.join(result.detail for result in told)}"
