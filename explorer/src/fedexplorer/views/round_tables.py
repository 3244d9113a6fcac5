"""A round's tables as CSV."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from fedexplorer.views.round_rows import Participant, PaymentRow, ProposalRow, UpdateRow
from fedexplorer.views.view import Csv, Model, as_json

if TYPE_CHECKING:
    from fedexplorer.views.round import RoundPage


def _whole(kind: type[Model], rows: Sequence[Model]) -> Csv:
    """All fields of rows of one kind."""
    names = tuple(kind.model_fields)
    return Csv(names, ([getattr(row, name) for name in names] for row in rows))


def _votes(page: RoundPage) -> Iterator[Sequence[object]]:
    """One for each vote of a client for an update."""
    for participant in page.participants:
        bitmap = int(participant.vouches or "0", 16)
        for update in page.updates:
            if bitmap >> update.index & 1:
                yield participant.account, update.index, update.client


def _events(page: RoundPage) -> Iterator[Sequence[object]]:
    for event in page.all_events:
        place = (event.time, event.block, event.log_index, event.tx_hash, event.name)
        yield (*place, json.dumps(as_json(event.args)))


TABLES = {
    "updates": lambda page: _whole(UpdateRow, page.updates),
    "participants": lambda page: _whole(Participant, page.participants),
    "votes": lambda page: Csv(("attester", "update", "client"), _votes(page)),
    "proposals": lambda page: _whole(ProposalRow, page.proposals),
    "payments": lambda page: _whole(PaymentRow, page.payments),
    "events": lambda page: Csv(("time", "block", "log_index", "transaction", "event", "arguments"), _events(page)),
}
