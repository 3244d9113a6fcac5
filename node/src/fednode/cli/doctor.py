"""`fednode doctor`: is everything there?"""

from __future__ import annotations

from dataclasses import asdict

import typer

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption, JsonOption, open_session, print_json

MARKS = {True: "ok  ", False: "FAIL", None: "-   "}


def doctor(as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Look at chain, contract, account, funds, seat, store, spec, data, disk and model; nothing large is downloaded.

    Exits with 1 if something is not right.
    """
    from fednode.doctor import Check, examine

    found: list[Check] = []
    with open_session(config) as session:
        for check in examine(session):
            found.append(check)
            if not as_json:
                typer.echo(f"{MARKS[check.ok]}  {check.name:<8} {check.detail}")
    if as_json:
        print_json([asdict(check) for check in found])
    if not all(check.ok for check in found):
        raise typer.Exit(1)
