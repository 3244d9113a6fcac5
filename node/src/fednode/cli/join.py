"""`fednode join`: take a seat, or add what is missing of the stake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from fedprotocol.program.slow_work import told_if_slow
from fedprotocol.program.terminal import say

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption, open_session

if TYPE_CHECKING:
    from fedprotocol.chain.read.snapshot import Snapshot


def join(
    stake: Annotated[
        str | None,
        typer.Option(
            help="Whole tokens to hold as stake, such as 250 or 0.5. Default: the config's stake, or else the least "
            "that is allowed and room for penalties."
        ),
    ] = None,
    penalties: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Hold the least stake and as much more as so many penalties cost. Default: the config's, "
            "which is 3 if it names none.",
        ),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Lock a stake and take a seat from the next round on; if the account has a seat, add what its stake lacks.

    Whoever commits in a round and then misses the reveal or the vote loses a part of the stake, the penalty. A seat
    whose stake is below the least is suspended, so the stake should be more than that.
    """
    from fedprotocol.chain.read.trust import require_known
    from fedprotocol.errors import FedError

    from fednode.daemon.waiting import ending
    from fednode.privacy import notice
    from fednode.site_policy import require_allowed
    from fednode.stake import stake_choice, stake_in_words, wanted_stake
    from fednode.welcome import refusal

    if stake is not None and penalties is not None:
        raise FedError("--stake and --penalties exclude each other: name one of them")
    with open_session(config) as session:
        require_known(session.coordinator, session.config.chain)
        require_allowed(session)
        coordinator, token, amounts = session.coordinator, session.coordinator.token, session.amounts
        chain = session.snapshot()
        terms, seat = chain.config, chain.settled_seat
        wanted = (
            stake_choice(amounts.parse(stake), terms)
            if stake is not None
            else wanted_stake(session.config.node, terms, amounts, penalties)
        )
        if wanted.stake < terms.min_stake:
            raise FedError(
                f"a stake of {amounts(wanted.stake)} is too low: "
                f"the federation asks for {amounts.needed(terms.min_stake)}"
            )
        seated = seat.active_from > 0 and not seat.exited
        if chain.is_over:
            raise FedError(f"{ending(chain)}: no round opens any more, so there is nothing to join")
        if not seated and (refused := refusal(coordinator, session.address, wanted.stake)):
            raise refused
        missing = wanted.stake - seat.stake if seated else wanted.stake
        if missing <= 0:
            say(f"this account has a seat, stake {amounts(seat.stake)}; nothing to add")
            return
        held = chain.tokens
        if held < missing:
            least = terms.min_stake - (seat.stake if seated else 0)
            less = "; or lock less: `fednode join --penalties 0`" if held >= least > 0 else ""
            raise FedError(
                f"{amounts.needed(missing)} are needed and {session.address} has {amounts(held)}: "
                f"send it {amounts.needed(missing - held)} (token {token.address}){less}"
            )
        added = f" (adding {amounts(missing)} to {amounts(seat.stake)})" if seated else ""
        say(f"locking a stake of {stake_in_words(wanted, terms, amounts)}{added}")
        if not seated:
            say(*notice(terms.is_masked))
        sender = session.sender
        with told_if_slow("approving the stake: waiting for its block"):
            token.ensure_allowance(sender, coordinator.address, missing)
        call = coordinator.calls.add_stake(missing) if seated else coordinator.calls.join(missing)
        session.send(call, "add stake" if seated else "join")
        after = session.snapshot()
        say(f"{session.address} {_taking_part(after)}, stake {amounts(after.settled_seat.stake)}")


def _taking_part(chain: Snapshot) -> str:
    """From when on, as of now."""
    begins = chain.settled_seat.active_from
    if begins > chain.last_opened:
        return f"takes part from round {begins} on"
    return f"has held its seat since round {begins}, and takes part in round {chain.last_opened + 1}"
