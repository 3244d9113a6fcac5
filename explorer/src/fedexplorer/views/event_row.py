"""One event as tables show it."""

from __future__ import annotations

from fedprotocol.chain.abi import entry
from fedprotocol.chain.read.events import Event

from fedexplorer.arguments import Argument, of_event
from fedexplorer.views.view import Anything, Hex, Model


class EventRow(Model):
    """An event of the coordinator. `args` by name: addresses, whole numbers, and bytes in hexadecimal."""

    name: str
    round: int | None
    args: Anything
    time: int
    block: int
    tx: Hex
    log_index: int

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """What the event says besides its round, by kinds."""
        inputs = entry("coordinator", "event", self.name)["inputs"]
        return tuple(argument for argument in of_event(inputs, self.args) if argument.name != "round")


def event_row(event: Event) -> EventRow:
    """The row of an event."""
    return EventRow(
        name=event.name,
        round=event.args.get("round"),
        args=event.args,
        time=event.time,
        block=event.block,
        tx=event.tx_hash,
        log_index=event.log_index,
    )
