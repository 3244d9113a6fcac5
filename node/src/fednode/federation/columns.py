"""The columns of the tables, and which of them a narrow terminal goes without."""

from __future__ import annotations

from fedaggregator.cli.table import Column

ROUND = (
    Column("#", right=True),
    Column("phase"),
    Column("until", rank=5),
    Column("active", rank=4, right=True),
    Column("committed", right=True),
    Column("revealed", rank=2, right=True),
    Column("attested", rank=3, right=True),
    Column("accepted", right=True),
    Column("global", rank=1, short=True),
)
PARTICIPANT = (
    Column("account", short=True),
    Column("seat"),
    Column("stake", right=True),
    Column("rewards", rank=2, right=True),
    Column("penalties", rank=3, right=True),
    Column("may claim now", rank=1, right=True),
    Column("tokens", rank=4, right=True),
    Column("ether", rank=5, right=True),
)
UPDATE = (
    Column("#", right=True),
    Column("client", short=True),
    Column("weight", right=True),
    Column("vouched for by", rank=1, right=True),
    Column("attested", rank=2),
    Column("accepted"),
    Column("update", short=True),
)
PROPOSAL = (
    Column("proposer", short=True),
    Column("completed"),
    Column("bond", rank=1, right=True),
    Column("global", short=True),
)
SEAT = (
    Column("account", short=True),
    Column("seat"),
    Column("stake", rank=1, right=True),
    Column("last commit"),
    Column("silent"),
)
FEDERATION = (
    Column("coordinator"),
    Column("name", rank=3),
    Column("deployed", rank=4),
    Column("rounds final", rank=1, right=True),
    Column("pool", rank=2, right=True),
    Column("state"),
)
EVENT = (Column("time"), Column("block", right=True), Column("event"), Column("what", below=True))
