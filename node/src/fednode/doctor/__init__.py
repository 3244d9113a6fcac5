"""Checks whether a node has everything that it needs. Quick checks come first, and nothing large is downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fedprotocol.program.doctor import Check, CheckResult, examined

from fednode.doctor import chain, folders, leaving, machine, masks, model, needs, policy, privacy, store, track
from fednode.doctor.check import Patient, fix_of
from fednode.session import Session

__all__ = ["examine"]

CHECKS = (
    Check("chain", (), chain.chain),
    Check("code", ("chain",), chain.code),
    Check("clock", ("chain",), chain.clock),
    Check("depth", (), needs.depth),
    Check("account", (), chain.account),
    Check("needs", ("chain", "account"), needs.needs),
    Check("funds", ("chain", "account"), chain.funds),
    Check("seat", ("chain", "code", "account"), chain.seat),
    Check("home", ("chain", "account"), folders.home),
    Check("private", (), folders.private),
    Check("store", (), store.store),
    Check("peers", ("chain", "account", "store"), store.peers),
    Check("announce", ("chain", "account"), store.announced),
    Check("leaves", ("chain",), leaving.leaves),
    Check("policy", ("chain", "account"), policy.policy),
    Check("track", ("policy",), track.track),
    Check("spec", ("chain", "store"), store.spec),
    Check("masks", ("account", "spec"), masks.masks),
    Check("global", ("spec",), store.latest_global),
    Check("data", (), folders.data),
    Check("noise", ("spec", "data"), privacy.noise),
    Check("disk", ("spec",), folders.disk),
    Check("model", ("spec",), model.model),
    Check("training", ("global", "data", "model"), model.training),
    Check("monitor", (), machine.monitor),
)


def examine(session: Session, file: Path) -> Iterator[CheckResult]:
    """Every check, in order; checks that depend on a failed one say so instead of failing too. `file`: the path of the
    config."""
    patient = Patient(session, file)
    return examined(CHECKS, patient, lambda error: fix_of(error, patient))
