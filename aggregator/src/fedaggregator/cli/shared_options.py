"""Options that several commands have, of `fedaggregator` and of `fednode`."""

from pathlib import Path
from typing import Annotated

import typer
from fedprotocol.program.logs import VARIABLE, LogFormat
from fedprotocol.program.terminal import say

LogFormatOption = Annotated[
    LogFormat,
    typer.Option(
        "--log-format",
        envvar=VARIABLE,
        help="Form of the lines on standard error; auto is human on a terminal and json elsewhere.",
    ),
]

ConfigOption = Annotated[
    Path,
    typer.Option(
        "--config",
        "-c",
        envvar="FEDAGGREGATOR_CONFIG",
        help="The aggregator's config file, which `fedaggregator init` writes.",
    ),
]
DEFAULT = Path("aggregator.toml")

VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Also log what is tried again.")]

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")]

InvitationOption = Annotated[
    str | None,
    typer.Option(
        "--invitation",
        help="The sponsor's invitation, as a file or an https URL. It says which federation, where its content is "
        "served and which Ethereum nodes may be used. What the chain can tell is not believed but read from the chain.",
    ),
]
CoordinatorOption = Annotated[
    str | None, typer.Option(help="Address of the federation's coordinator, where there is no invitation.")
]
ChainIdOption = Annotated[
    int | None,
    typer.Option(help="Chain id of the network that the coordinator is on, where there is no invitation."),
]
RpcOption = Annotated[
    list[str] | None,
    typer.Option(
        help="URL of an Ethereum node, in place of those in the invitation. Repeat the option to name several; they "
        "are tried in order."
    ),
]
StoreOption = Annotated[
    str | None,
    typer.Option(
        help="Store that this program publishes in: dir:FOLDER or kubo:http://127.0.0.1:5001. Default: dir:store, or "
        "the local Kubo if only Kubo's peers serve the federation."
    ),
]
PeerOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Store of another site to read from, besides those in the invitation: dir:FOLDER, https://gateway, or a "
        "multiaddress with Kubo. Repeat the option to name several."
    ),
]


def add_program_options(app: typer.Typer, program: str, version: str) -> None:
    """Give `app` the options that come before its commands: `--version`, `--debug`."""

    def show(wanted: bool) -> None:
        if wanted:
            say(f"{program} {version}")
            raise typer.Exit

    @app.callback()
    def options(
        version: Annotated[
            bool, typer.Option("--version", callback=show, is_eager=True, help="Show the version and exit.")
        ] = False,
        debug: Annotated[
            bool,
            typer.Option("--debug", help="Show where an unexpected error comes from. The option may stand anywhere."),
        ] = False,
    ) -> None:
        """Options of the program itself; `run_program` has taken `--debug` already."""
