"""`fednode claim`: take what is owed."""

from __future__ import annotations

from fedprotocol.program.terminal import say

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption, open_session


def claim(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Collect rewards, returned bonds and bounties. Stop the node first.

    Rounds that are over and were not yet credited to this account are credited on the way.
    """
    from fednode.daemon.waiting import ending

    with open_session(config) as session:
        chain = session.snapshot()
        if chain.settled_owed == 0:
            later = "yet: rewards are credited once their round is final"
            say(f"nothing is owed to this account {f'any more: {ending(chain)}' if chain.is_over else later}")
            return
        coordinator, token = session.coordinator, session.coordinator.token
        before = token.balance_of(session.address)
        session.send(coordinator.calls.claim(), "claim")
        received = token.balance_of(session.address) - before
        say(f"received {session.amounts(received)}")
