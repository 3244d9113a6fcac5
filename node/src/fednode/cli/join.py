"""`fednode join`: take a seat, or add what is missing of the stake."""

from __future__ import annotations

from typing import Annotated

import typer
from fedprotocol.program.terminal import say

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption, open_session


def join(
    stake: Annotated[
        str | None,
        typer.Option(
            help="Whole tokens to lock, such as 250 or 0.5. Default: the config's "
            "stake, or else the least that is allowed."
        ),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Lock a stake and take a seat from the next round on; if the account has a seat, top up its stake."""
    from fedprotocol.chain.read.trust import require_known
    from fedprotocol.errors import FedError

    from fednode.privacy import notice

    with open_session(config) as session:
        require_known(session.coordinator, session.config.chain)
        coordinator, token, amounts = session.coordinator, session.coordinator.token, session.amounts
        terms = coordinator.config()
        wanted = amounts.parse(stake) if stake else amounts.units(session.config.node.stake) or terms.min_stake
        if wanted < terms.min_stake:
            raise FedError(
                f"a stake of {amounts(wanted)} is too low: the federation asks for {amounts.needed(terms.min_stake)}"
            )
        seat = coordinator.seat(session.address)
        seated = seat.active_from > 0 and not seat.exited
        missing = wanted - seat.stake if seated else wanted
        if missing <= 0:
            say(f"this account has a seat, stake {amounts(seat.stake)}; nothing to add")
            return
        held = token.balance_of(session.address)
        if held < missing:
            raise FedError(
                f"{amounts.needed(missing)} are needed and {session.address} has {amounts(held)}: "
                f"send it {amounts.needed(missing - held)} (token {token.address})"
            )
        if not seated:
            say(*notice())
        token.ensure_allowance(session.sender, coordinator.address, missing)
        call = coordinator.calls.add_stake(missing) if seated else coordinator.calls.join(missing)
        session.sender.send(call, "add stake" if seated else "join")
        seat = coordinator.seat(session.address)
        say(f"{session.address} takes part from round {seat.active_from} on, stake {amounts(seat.stake)}")
