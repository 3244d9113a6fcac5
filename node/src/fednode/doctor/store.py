"""The store, and what must be found in it."""

from __future__ import annotations

from fedprotocol.peers.in_words import others_announce, this_announces
from fedprotocol.store.base import NotFound, StoreError, Unavailable

from fednode.doctor.check import NotFit, Patient, quoted

SPONSOR = "the sponsor publishes it: `fednode spec publish FOLDER --store URL`, with a store that this node can read"


def store(patient: Patient) -> str:
    session = patient.session
    url = session.config.store.url
    try:
        return session.store.check()
    except Unavailable as error:
        fix = patient.edit("[store] url" if url.startswith("kubo:") else "[store] url: a folder that can be written")
        if "start `ipfs daemon`" in str(error):
            fix = "ipfs daemon"
        raise NotFit(str(error), fix) from error
    except StoreError as error:
        raise NotFit(str(error), patient.edit("[store]")) from error


def peers(patient: Patient) -> str:
    """The other stores that can be read. Without any, no update of another site can be checked."""
    session = patient.session
    named, found = session.config.store.peers, session.store.reachable()
    if found:
        return f"{found} can be read from; {others_announce(session.config, session.coordinator, session.address)}"
    is_kubo = session.config.store.url.startswith("kubo:")
    if is_kubo and named:
        raise NotFit("Kubo is connected to nobody", f"ipfs swarm connect {quoted(named[0])}")
    if is_kubo:
        raise NotFit("Kubo is connected to nobody", patient.edit("[store] peers: what `ipfs id` says at the others"))
    silent = session.store.check() if named else "[store] peers names nobody"
    raise NotFit(f"nobody else can be read from: {silent}", patient.edit("[store] peers"))


def announced(patient: Patient) -> str:
    """Others cannot check this site's update if they do not know where it is."""
    session = patient.session
    return f"others find this store at: {this_announces(session.config, session.coordinator, session.address)}"


def spec(patient: Patient) -> str:
    session = patient.session
    try:
        return f"“{session.spec.name}” is the contract's"
    except NotFound as error:
        raise NotFit(f"{error}; {SPONSOR}", patient.edit("[store] peers: the sponsor's store")) from error


def latest_global(patient: Patient) -> str:
    session = patient.session
    number, root = session.coordinator.latest_final()
    try:
        with session.store.get(root, session.spec.layout.global_shape) as leaves:
            return f"the global of round {number} is here and verified, {len(leaves)} leaves"
    except NotFound as error:
        whose = f"; {SPONSOR}" if number == 0 else ""
        raise NotFit(f"{error}{whose}", patient.edit("[store] peers")) from error
