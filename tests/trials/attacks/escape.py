"""Getting one's stake out before what one owes is taken from it."""

from __future__ import annotations

from fedprotocol.chain.errors import ContractReverted
from fedprotocol.types import Phase
from support.synthetic import SyntheticClient

from attacks.arena import Arena


class Escape:
    """A client that has left tries to withdraw whenever it is called. `refused`: the phases of its round in which it
    was told StillPending."""

    def __init__(self, arena: Arena, client: SyntheticClient, round_number: int) -> None:
        self._arena = arena
        self._client = client
        self._round = round_number
        self.refused: list[Phase] = []
        client.sender.send(arena.coordinator.calls.exit(), "exit")

    def __call__(self) -> bool:
        """Whether it is out. Raises ContractReverted if it is refused for anything but its unsettled round."""
        before = self._arena.phase(self._round)
        try:
            self._client.sender.send(self._arena.coordinator.calls.withdraw(), "withdraw")
        except ContractReverted as error:
            if error.name != "StillPending":
                raise
        else:
            return True
        if before is self._arena.phase(self._round) and before not in self.refused:
            self.refused.append(before)
        return False

    def until(self, phase: Phase) -> None:
        """Try again and again, until it was refused in `phase` of its round. Raises AssertionError if it gets out.

        Time jumps only where a deadline ends the phase before: programs lead to Aggregate and Challenge by themselves,
        and a jump could pass over Challenge.
        """

        def tried() -> bool:
            assert not self(), f"{self._client.address} took its stake before {phase.name}"
            return phase in self.refused

        until = self._arena.play if phase < Phase.AGGREGATE else self._arena.wait
        until(f"a withdrawal is refused in {phase.name.lower()} of round {self._round}", tried)

    @property
    def taken(self) -> int:
        """Token units that it withdrew."""
        [event] = [e for e in self._arena.events("Withdrawn") if e.args["client"] == self._client.address]
        return int(event.args["stake"])
