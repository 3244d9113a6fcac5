"""`fednode exit`: leave the federation and take back the stake."""

from __future__ import annotations

from fedprotocol.program.terminal import say

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption, open_session


def exit_federation(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Give up the seat from the next round on, and take back the stake once no round of this account is open.

    Stop the node first. If a round is still open, start the node again, let it finish that round, then repeat this
    command to take back the stake.
    """
    from fedprotocol.chain.errors import ContractReverted
    from fedprotocol.errors import FedError

    from fednode.daemon.waiting import ending

    with open_session(config) as session:
        coordinator, token = session.coordinator, session.coordinator.token
        seat = coordinator.seat(session.address)
        if seat.active_from == 0 and seat.stake == 0:
            raise FedError(f"{session.address} has no seat and no stake in this federation: nothing to leave")
        if seat.active_from and not seat.exited:
            session.send(coordinator.calls.exit(), "exit")
            chain = session.snapshot()
            from_now = f"this account takes no part from round {chain.last_opened + 1} on"
            say(f"left: {ending(chain) if chain.is_over else from_now}")
        before = token.balance_of(session.address)
        try:
            session.send(coordinator.calls.withdraw(), "withdraw")
        except ContractReverted as error:
            if error.name != "StillPending":
                raise
            say(
                f"round {error.arguments['round']} is still open: keep `fednode run` going so that it costs no "
                "penalty, then run `fednode exit` again to take back the stake"
            )
            return
        amount = token.balance_of(session.address) - before
        rewards = "; rewards: `fednode claim`" if session.snapshot().settled_owed else ""
        say(f"took back {session.amounts(amount)}{rewards}")
