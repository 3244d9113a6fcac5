"""Is everything there that a node needs? What looks cheap comes first; nothing large is downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fednode.doctor import chain, content, machine, model, needs, place
from fednode.doctor.check import Check, Look, Patient, run
from fednode.session import Session

__all__ = ["Check", "examine"]

LOOKS = (
    Look("chain", (), chain.chain),
    Look("code", ("chain",), chain.code),
    Look("clock", ("chain",), chain.clock),
    Look("depth", (), needs.depth),
    Look("account", (), chain.account),
    Look("needs", ("chain", "account"), needs.needs),
    Look("funds", ("chain", "account"), chain.funds),
    Look("seat", ("chain", "code", "account"), chain.seat),
    Look("home", ("chain", "account"), place.home),
    Look("private", (), place.private),
    Look("store", (), content.store),
    Look("peers", ("store",), content.peers),
    Look("spec", ("chain", "store"), content.spec),
    Look("global", ("spec",), content.latest_global),
    Look("data", (), place.data),
    Look("disk", ("spec",), place.disk),
    Look("model", ("spec",), model.model),
    Look("training", ("global", "data", "model"), model.training),
    Look("monitor", (), machine.monitor),
)


def examine(session: Session, file: Path) -> Iterator[Check]:
    """Every check, in order; those that depend on a failed one say so instead of failing too. `file`: the config's."""
    return run(LOOKS, Patient(session, file))
