"""The chain and the account on it."""

from __future__ import annotations

from fedaggregator.doctor import shared
from fedprotocol.chain.errors import ether
from fedprotocol.chain.read.penalties import penalties_borne
from fedprotocol.chain.send.development import is_development
from fedprotocol.chain.send.fees import FeePolicy, most_paid
from fedprotocol.deployment.costs import gas_ahead

from fednode.daemon.snapshot_questions import Standing, standing
from fednode.daemon.waiting import ending
from fednode.doctor.check import NotFit, Patient
from fednode.stake import wanted_stake
from fednode.welcome import refusal


def chain(patient: Patient) -> str:
    coordinator = patient.session.coordinator
    return f"chain {coordinator.chain_id} at block {coordinator.head()}, coordinator {coordinator.address}"


def code(patient: Patient) -> str:
    return shared.code(patient.session.coordinator, patient.session.config.chain.trusted_code)


def clock(patient: Patient) -> str:
    return shared.clock(patient.session.coordinator, patient.say)


def account(patient: Patient) -> str:
    session = patient.session
    return shared.account(session.config.account, lambda: session.signer, patient.say)


def funds(patient: Patient) -> str:
    session = patient.session
    now, amounts = session.snapshot(), session.amounts
    seated = now.settled_seat.active_from > 0 and not now.settled_seat.exited
    needed = 0 if seated else max(wanted_stake(session.config.node, now.config, amounts).stake, now.config.min_stake)
    gas = gas_ahead(now.config.max_clients, joins=not seated)
    costs = most_paid(session.coordinator.web3.eth, FeePolicy.of(session.config.chain), gas)
    missing = []
    if now.eth < costs:
        what = "the transactions of a round" if seated else "taking a seat and the transactions of a round"
        has = f" (it has {ether(now.eth)} ETH, and {what} take up to {ether(costs, up=True)} ETH)" if now.eth else ""
        missing.append(f"ether for transactions{has}")
    if now.tokens < needed:
        missing.append(f"{amounts.needed(needed - now.tokens)} for its stake (token {now.config.token})")
    if missing:
        is_given = is_development(session.coordinator.web3)
        show = patient.fednode("account", "show")
        faucet = f"send this address to the sponsor, who runs `fednode federation faucet {session.address}`"
        fix = f"{show}  # {faucet if is_given else 'the address to send it to'}"
        raise NotFit(f"{session.address} lacks {' and '.join(missing)}", fix)
    return f"{ether(now.eth)} ETH, {amounts(now.tokens)}" + (
        "" if seated else f" (a seat needs {amounts.needed(needed)})"
    )


def seat(patient: Patient) -> str:
    session = patient.session
    now, amounts = session.snapshot(), session.amounts
    held, config = now.settled_seat, now.config
    if now.is_over:
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
            short = f"the stake is {amounts(held.stake)} of {amounts.needed(config.min_stake)}"
            raise NotFit(f"suspended: {short}", patient.fednode("join"))
        case Standing.ACTIVE | Standing.EARLY:
            weight = f"enough for a weight of {held.stake // config.stake_per_example} examples"
            begins = f"from round {held.active_from} on" if held.active_from > now.last_opened else "now"
            borne = penalties_borne(now)
            room = "" if borne is None else f", and bears {borne} penalties before the seat is suspended"
            return f"active {begins}, stake {amounts(held.stake)} ({weight}{room})"


def _refuse_if_unwelcome(patient: Patient) -> None:
    """Ask the contract what it would say to `join`."""
    session = patient.session
    coordinator = session.coordinator
    error = refusal(coordinator, session.address, coordinator.config().min_stake)
    if error is None:
        return
    if error.name == "NotAllowed":
        show = patient.fednode("account", "show") + "  # send it to the sponsor, who puts it on the list"
        raise NotFit(f"{error}; it is the list in {coordinator.config().gate}", show) from error
    raise NotFit(str(error), patient.fednode("rounds") + "  # who holds the seats") from error
