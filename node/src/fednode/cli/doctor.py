"""`fednode doctor`: is everything there?"""

from __future__ import annotations

from dataclasses import asdict

import typer
from fedaggregator.cli.shared_options import JsonOption
from fedprotocol.program.terminal import say

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption, open_session, print_json

MARKS = {True: "ok  ", False: "FAIL", None: "-   "}


def doctor(as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Check everything that a node needs, and name the command that repairs each fault.

    It looks at the chain, account, seat, store, spec, data, disk, model and speed. Nothing large is downloaded. Exits
    with 1 if something is not right.
    """
    from fednode.doctor import Check, examine

    found: list[Check] = []
    with open_session(config) as session:
        for check in examine(session, config):
            found.append(check)
            if not as_json:
                detail, *more = check.detail.split("\n")
                say(f"{MARKS[check.ok]}  {check.name:<8} {detail}", *(f"      |        {line}" for line in more))
                if check.fix:
                    say(f"      fix      {check.fix}")
    if as_json:
        print_json([asdict(check) for check in found])
    if not all(check.ok for check in found):
        raise typer.Exit(1)
