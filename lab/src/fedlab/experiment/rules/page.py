"""A page of prose, in which tables stand between `<!-- table: NAME -->` and `<!-- end -->`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fedprotocol.errors import FedError

TABLE = re.compile(r"(<!-- table: ([\w -]+) -->\n).*?(<!-- end -->)", re.DOTALL)
NOT_YET = "Not measured yet.\n"


class PageError(FedError):
    """The page cannot be filled; the message says what is wrong."""


def filled(page: str, tables: Mapping[str, str]) -> str:
    """The page with `tables`; one that is not measured is said to be missing. Raises PageError if the page has no place
    for one of them."""
    places = {found[2] for found in TABLE.finditer(page)}
    if homeless := [name for name in tables if name not in places]:
        raise PageError(f"the page has no place for {', '.join(homeless)}: write <!-- table: NAME --> and <!-- end -->")
    return TABLE.sub(lambda found: f"{found[1]}\n{tables.get(found[2], NOT_YET)}\n{found[3]}", page)
