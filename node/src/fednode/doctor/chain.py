"""The chain and the account on it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from fedprotocol.chain.abi import load
from fedprotocol.chain.account.keys import PasswordError
from fedprotocol.chain.account.signer import keystore_of
from fedprotocol.chain.errors import ContractReverted, translated
from fedprotocol.chain.read.trust import ForeignCode, examine, foreign
from fedprotocol.chain.send.development import is_development
from fedprotocol.chain.send.fees import is_free
from fedprotocol.chain.send.gas import advisory
from fedprotocol.files.private import exposure

from fednode.daemon.explain import duration
from fednode.daemon.view import Standing, is_over, standing
from fednode.daemon.waiting import ending
from fednode.doctor.check import NotFit, Patient, quoted

STALE = 600.0  # seconds
SYNC_CLOCK = "sudo timedatectl set-ntp true"
OWN_REFUSALS = {error["name"] for error in load("coordinator") if error["type"] == "error"}
"""All else is the token's way to refuse what is not approved yet, which is the last thing that `join` asks for."""


def chain(patient: Patient) -> str:
    coordinator = patient.session.coordinator
    return f"chain {coordinator.chain_id} at block {coordinator.head()}, coordinator {coordinator.address}"


def code(patient: Patient) -> str:
    """The code of the contracts to which stakes and bonds would be entrusted."""
    session = patient.session
    parts = examine(session.coordinator, session.config.chain.trusted_code)
    if unknown := foreign(parts):
        raise ForeignCode(unknown)
    named = [part for part in parts if not part.is_known]
    summary = f"{', '.join(part.role for part in parts if part.is_known)}: of this version"
    return summary + "".join(f"; {part.role} {part.address}: trusted by [chain] trusted_code" for part in named)


def clock(patient: Patient) -> str:
    """A node of the chain that lags shows rounds as they were; deadlines are the chain's."""
    eth = patient.session.coordinator.web3.eth
    other = patient.edit("[chain] rpc: another node first")
    syncing = None
    with advisory("eth_syncing"), translated("eth_syncing"):  # it need not say so itself: an old newest block shows it
        syncing = eth.syncing
    if isinstance(syncing, Mapping):
        raise NotFit(f"the chain's node still syncs, at block {syncing.get('currentBlock', 'unknown')}", other)
    makes_blocks_on_demand = is_development(eth.w3)
    with translated("eth_getBlockByNumber"):
        newest = int(eth.get_block("pending" if makes_blocks_on_demand else "latest")["timestamp"])
    behind = time.time() - newest
    if behind > STALE:
        raise NotFit(
            f"the newest block is {duration(behind)} old: the chain's node is behind, or this machine's clock is wrong "
            f"(`{SYNC_CLOCK}`)",
            other,
        )
    if behind < -STALE:
        raise NotFit(f"this machine's clock is {duration(-behind)} behind the chain's time", SYNC_CLOCK)
    return f"the chain's time and this machine's differ by {duration(abs(behind))}"


def account(patient: Patient) -> str:
    session, settings = patient.session, patient.session.config.account
    if settings.signer is None:
        keystore = keystore_of(settings)
        if not keystore.exists():
            raise NotFit(f"there is no keystore {keystore}", patient.fednode("account", "new"))
        for secret in filter(None, (keystore, settings.password_file)):
            _refuse_readable(secret)
    elif settings.address is None:
        raise NotFit("[account] names a signer and no address", patient.edit("[account] address"))
    try:
        address = session.signer.address
    except PasswordError as error:
        file = settings.password_file
        fix = f"$EDITOR {quoted(file)}" if file is not None else patient.edit("[account] password_file")
        raise NotFit(str(error), fix) from error
    return f"{address} (can sign)"


def _refuse_readable(path: Path) -> None:
    if path.exists() and (exposed := exposure(path)):
        raise NotFit(exposed.text, exposed.command)


def funds(patient: Patient) -> str:
    session = patient.session
    now, amounts = session.snapshot(), session.amounts
    seated = now.my_seat.active_from > 0 and not now.my_seat.exited
    needed = 0 if seated else max(amounts.units(session.config.node.stake), now.config.min_stake)
    missing = ["ether for transactions"] if now.eth == 0 and not is_free(session.coordinator.web3.eth) else []
    if now.tokens < needed:
        missing.append(f"{amounts(needed - now.tokens)} for its stake (token {now.config.token})")
    if missing:
        is_given = is_development(session.coordinator.web3)
        show = patient.fednode("account", "show") + "  # the address to send it to"
        fix = f"brownie run fund faucet {session.address}" if is_given else show
        raise NotFit(f"{session.address} lacks {' and '.join(missing)}", fix)
    return f"{now.eth / 1e18:.4f} ETH, {amounts(now.tokens)}" + ("" if seated else f" (a seat needs {amounts(needed)})")


def seat(patient: Patient) -> str:
    session = patient.session
    now, amounts = session.snapshot(), session.amounts
    held, config = now.my_seat, now.config
    if is_over(now):
        raise NotFit(f"{ending(now)}: no round opens any more", patient.edit("[chain] coordinator: another federation"))
    match standing(now):
        case Standing.NONE:
            _refuse_if_unwelcome(patient)
            raise NotFit("this account has no seat yet", patient.fednode("join"))
        case Standing.LEFT:
            raise NotFit(
                "this account has left, or was dropped after rounds that it missed; once its stake is back it can join",
                patient.fednode("exit"),
            )
        case Standing.SUSPENDED:
            short = f"the stake is {amounts(held.stake)} of {amounts(config.min_stake)}"
            raise NotFit(f"suspended: {short}", patient.fednode("join"))
        case Standing.ACTIVE | Standing.EARLY:
            weight = f"enough for a weight of {held.stake // config.stake_per_example} examples"
            return f"active from round {held.active_from} on, stake {amounts(held.stake)} ({weight})"


def _refuse_if_unwelcome(patient: Patient) -> None:
    """Ask the contract what it would say to `join`."""
    session = patient.session
    coordinator = session.coordinator
    try:
        with translated("join"):
            coordinator.calls.join(coordinator.config().min_stake).call({"from": session.address})
    except ContractReverted as error:
        if error.name == "NotAllowed":
            show = patient.fednode("account", "show") + "  # send it to the sponsor, who puts it on the list"
            raise NotFit(f"{error}; it is the list in {coordinator.config().gate}", show) from error
        if error.name in OWN_REFUSALS:
            raise NotFit(str(error), patient.fednode("rounds") + "  # who holds the seats") from error
