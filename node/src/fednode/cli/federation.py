"""`fednode federation`: what a sponsor does, from the plan of a federation to its end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from fedprotocol.program.terminal import say

from fednode.cli.sponsor_options import looks, sends

if TYPE_CHECKING:
    from fednode.federation.network import Network
else:
    Network = object  # not loaded for --help

FileArgument = Annotated[
    Path, typer.Argument(help="The federation file. `fednode federation new` writes one.", show_default=False)
]
AccountsArgument = Annotated[
    list[str], typer.Argument(metavar="ADDRESS...", help="Addresses of accounts.", show_default=False)
]

app = typer.Typer(
    help="Plan, deploy, fund, watch and close a federation, and choose its members, as its sponsor.",
    no_args_is_help=True,
)
members = typer.Typer(help="See who holds a seat, change the list of members, free seats.", no_args_is_help=True)
token = typer.Typer(help="Make a token for test chains, which is worth nothing, and give some.", no_args_is_help=True)
close = typer.Typer(help="End a federation, and take back what is free in its pool.", no_args_is_help=True)


@app.command("new")
def new(
    file: Annotated[Path, typer.Argument(help="File to write; it must not exist.")] = Path("federation.toml"),
    chain: Annotated[
        str | None,
        typer.Option(
            help="Chain with a preset, such as Base: a short file with phases that fit it. Default: every key."
        ),
    ] = None,
) -> None:
    """Write a federation file with comments, for you to fill in."""
    from fednode.cli.common import preset
    from fednode.federation.new_file import write_new

    write_new(file, None if chain is None else preset(chain))
    say(f"{file}: fill in what is left, then see what deploying it would cost: `fednode federation plan {file}`")


@looks(app, "plan")
def plan(
    network: Network,
    file: FileArgument,
    gas_price: Annotated[
        str, typer.Option(metavar="GWEI", help="Price of gas to reckon with, in gwei. Default: the file's.")
    ] = "",
) -> None:
    """Show what deploying would make and cost, and what each role then pays. Nothing is sent."""
    from fednode.federation import deploy
    from fednode.federation.plan import planned

    say(*planned(network, *deploy.load(file), gas_price))


@sends(app, "deploy")
def deploy(network: Network, file: FileArgument) -> None:
    """Deploy the contracts, write the record and the invitation, and fill the pool.

    Everything that can be known to be wrong is found before the first transaction. On a chain for development a demo
    token is made if the file names none.
    """
    from fednode.federation import deploy

    deploy.deploy(network, *deploy.load(file), git_commit=None)


@sends(app, "fund")
def fund(
    network: Network,
    amount: Annotated[
        str, typer.Argument(help="Whole tokens. Default: what the pool lacks for the rounds that are left.")
    ] = "",
) -> None:
    """Pay into the pool, from which rounds are paid."""
    from fednode.federation import pool

    pool.fund(network, amount)


@sends(app, "faucet")
def faucet(network: Network, accounts: AccountsArgument) -> None:
    """Give accounts ether and tokens with which to join, on a chain for development."""
    from fednode.federation import faucet

    faucet.give(network, accounts)


@looks(app, "show")
def show(network: Network) -> None:
    """Show the federation, its rounds, its participants and its money."""
    from fednode.federation import look

    look.overview(network)


@looks(app, "round")
def round_(
    network: Network, number: Annotated[str, typer.Argument(help="Number of the round. Default: the last.")] = ""
) -> None:
    """Show one round: updates, proposals, events."""
    from fednode.federation import look

    look.one_round(network, number)


@looks(app, "events")
def events(network: Network) -> None:
    """Show every event since the deployment."""
    from fednode.federation import look

    look.events(network)


@looks(app, "list")
def list_(network: Network) -> None:
    """List the federations of this chain that have a record in the folder."""
    from fednode.federation import look

    look.federations(network)


@looks(members, "list")
def members_list(network: Network) -> None:
    """Show who holds a seat, who could be dropped, and whose list it is."""
    from fednode.federation import members

    members.show(network)


@sends(members, "allow")
def allow(network: Network, accounts: AccountsArgument) -> None:
    """Put accounts on the list. Only its owner may."""
    from fednode.federation import members

    members.allow(network, accounts)


@sends(members, "disallow")
def disallow(network: Network, accounts: AccountsArgument) -> None:
    """Take accounts off the list, and free their seats. Only the list's owner may."""
    from fednode.federation import members

    members.disallow(network, accounts)


@sends(members, "drop")
def drop(network: Network, accounts: AccountsArgument) -> None:
    """Free the seats of accounts that are silent, or that the list no longer has. Anybody may."""
    from fednode.federation import members

    members.drop(network, accounts)


@sends(members, "settle")
def settle(network: Network, accounts: AccountsArgument) -> None:
    """Apply what accounts are due, penalties too. Anybody may."""
    from fednode.federation import members

    members.settle(network, accounts)


@sends(token, "new")
def token_new(network: Network) -> None:
    """Deploy a token that belongs to the sender."""
    from fednode.federation import demo_token

    demo_token.make(network)


@sends(token, "give")
def token_give(
    network: Network,
    contract: Annotated[str, typer.Argument(metavar="TOKEN", help="Address of the token.", show_default=False)],
    amount: Annotated[str, typer.Argument(help="Whole tokens for each account.", show_default=False)],
    accounts: AccountsArgument,
) -> None:
    """Make tokens for accounts. Only the token's owner may."""
    from fednode.federation import demo_token

    demo_token.give(network, contract, amount, accounts)


@looks(close, "preview")
def close_preview(network: Network) -> None:
    """Show what closing would do. Nothing is sent."""
    from fednode.federation import close

    close.preview(network)


@sends(close, "now")
def close_now(network: Network) -> None:
    """Close the federation, and take back what is free. This cannot be undone; only the sponsor may."""
    from fednode.federation import close

    close.close(network)


app.add_typer(members, name="members")
app.add_typer(token, name="token")
app.add_typer(close, name="close")
