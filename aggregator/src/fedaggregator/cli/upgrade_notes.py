"""`fedaggregator upgrade-notes` and `fednode upgrade-notes`: what changed since the version that ran before."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from fedprotocol.program.terminal import say


def upgrade_notes_command(
    config_option: Any, default: Path, home_in: Callable[[Path], Path], program: str, version: str
) -> Callable[..., None]:
    """The command of `program`, whose option for its config is `config_option`; `home_in` reads the folder that a
    config names for what is kept, and raises ConfigError."""

    def upgrade_notes(
        since: Annotated[
            str | None, typer.Option(help="Show what changed after this version, and read no config.")
        ] = None,
        config: config_option = default,
    ) -> None:
        """Show what changed since the version that ran here before, beginning with what you have to do.

        Read it after an upgrade and before you start the program again. Nothing is sent, and nothing is asked.
        """
        from fedprotocol.program.upgrades import newer, releases, versions

        if since is None:
            ran = versions(home_in(config))
            before = [one for one in ran if one != version]
            if not before:
                say(f"no other version than {version} has run here; --since shows what changed after a version")
                return
            since = before[-1]
        changed = newer(since, releases())
        say(f"{program} {version}; what changed after {since}:" if changed else f"nothing changed after {since}")
        for release in changed:
            say("", release.text)

    return upgrade_notes
