"""`fednode join`: take a seat, or add what is missing of the stake."""

from __future__ import annotations

from typing import Annotated

import typer

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption, open_session, tokens


def join(
    stake: Annotated[
        int | None, typer.Option(min=1, help="Token units to lock. Default: the config's, or the federation's minimum.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Lock a stake and take a seat from the next round on. With a seat already, add what the stake is short of."""
    from fedprotocol.errors import FedError

    with open_session(config) as session:
        coordinator, token = session.coordinator, session.coordinator.token
        terms = coordinator.config()
        wanted = stake or session.config.node.stake or terms.min_stake
        seat = coordinator.seat(session.address)
        seated = seat.active_from > 0 and not seat.exited
        missing = max(wanted, terms.min_stake) - seat.stake if seated else wanted
        if missing <= 0:
            typer.echo(f"this account has a seat, stake {tokens(seat.stake, token.decimals())}; nothing to add")
            return
        held = token.balance_of(session.address)
        if held < missing:
            raise FedError(
                f"a stake of {missing} token units is needed and {session.address} has {held}: "
                f"send it {missing - held} of token {token.address}"
            )
        if not seated and missing < terms.min_stake:
            raise FedError(f"a stake of {missing} token units is too low: the federation asks for {terms.min_stake}")
        token.ensure_allowance(session.sender, coordinator.address, missing)
        call = coordinator.calls.add_stake(missing) if seated else coordinator.calls.join(missing)
        session.sender.send(call, "add stake" if seated else "join")
        seat = coordinator.seat(session.address)
        typer.echo(
            f"{session.address} takes part from round {seat.active_from} on, "
            f"stake {tokens(seat.stake, token.decimals())} {token.symbol()}"
        )
