"""What a cell says about privacy."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fedlab.results.records import Count, Loss, Record, Share


class Membership(Record):
    """How well one attack tells rows that were trained on from others of the same sites. `error`: the standard error of
    `area`; `found`: the share of members found where one other row of a hundred is taken for one."""

    area: Share
    error: Loss
    found: Share
    members: Count
    others: Count


class WhichRow(Record):
    """How often the row that was trained on was picked out of `candidates` rows."""

    right: Count
    tries: Count
    candidates: Annotated[int, Field(ge=2)]


class Privacy(Record):
    """`noise` and `epsilon`: of each site, over all rounds; empty without noise. `membership`: by attack; `which_row`:
    by what the reader sees."""

    noise: dict[str, Loss]
    epsilon: dict[str, Loss]
    membership: dict[str, Membership]
    which_row: dict[str, WhichRow]
