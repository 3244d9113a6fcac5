"""The options that all commands of `fednode federation` have: which chain, which federation, whose account."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

if TYPE_CHECKING:
    from fedprotocol.chain.account.signer import Signer

    from fednode.federation.network import Network

PROGRAM = "fednode federation"
LOCAL = "http://127.0.0.1:8545"


@dataclass(frozen=True)
class Where:
    """The options of every command."""

    chain: Annotated[
        str | None,
        typer.Option(
            envvar="FED_CHAIN",
            help="Chain by its id, or by its name if it has a preset, such as Base. Needed, except on a chain for "
            "development such as anvil's.",
        ),
    ] = None
    rpc: Annotated[
        list[str] | None,
        typer.Option(
            envvar="FED_RPC",
            help="URL of an Ethereum node. Repeat the option to name several; they are tried in order. Default: a "
            f"public one of a chain with a preset, otherwise {LOCAL}.",
        ),
    ] = None
    records: Annotated[
        Path,
        typer.Option(envvar="DEPLOYMENTS_DIR", help="Folder with the records of deployments and the invitations."),
    ] = Path("deployments")
    federation: Annotated[
        str,
        typer.Option(
            envvar="FED_COORDINATOR",
            help="Which of several federations on the chain: the coordinator's address or its beginning, or the "
            "federation's name. Default: the one last deployed.",
        ),
    ] = ""


@dataclass(frozen=True)
class Whose:
    """The options of commands that send transactions."""

    keystore: Annotated[
        Path | None,
        typer.Option(
            envvar="FED_ACCOUNT",
            help="Encrypted key file of the account that sends; `fednode account new` makes one. Default, on a chain "
            "for development only: the first account of its node.",
        ),
    ] = None
    password_file: Annotated[
        Path | None,
        typer.Option(
            help="File of mode 600 with the key's password. Default: FED_PASSWORD_FILE, then FEDNODE_PASSWORD, then a "
            "question at the terminal."
        ),
    ] = None
    signer: Annotated[
        str | None,
        typer.Option(help="URL of a remote signer such as Clef or Web3Signer, in place of a key file."),
    ] = None
    address: Annotated[str | None, typer.Option(help="Address of the account that the remote signer signs for.")] = None


def looks(app: typer.Typer, name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Makes a command that sends nothing of a function of a Network and of the command's own options."""
    return lambda function: _offer(app, name, function, [Where])


def sends(app: typer.Typer, name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """As `looks`, for a command that sends transactions."""
    return lambda function: _offer(app, name, function, [Where, Whose])


def _offer(app: typer.Typer, name: str, function: Callable[..., None], groups: list[type[Any]]) -> Callable[..., None]:
    def run(**given: Any) -> None:
        where = Where(**_taken(given, Where))
        whose = Whose(**_taken(given, Whose)) if Whose in groups else Whose()
        function(_network(where, whose), **given)

    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    shared = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        for group in groups
        for hints in [get_type_hints(group, include_extras=True)]
        for field in fields(group)
    ]
    run.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
    run.__doc__ = function.__doc__
    app.command(name)(run)
    return function


def _taken(given: dict[str, Any], group: type[Any]) -> Mapping[str, Any]:
    return {field.name: given.pop(field.name) for field in fields(group)}


def _network(where: Where, whose: Whose) -> Network:
    from fedprotocol.chain.endpoint.chain_id import chain_id_of
    from fedprotocol.deployment.contract_code import shipped_code
    from fedprotocol.program.logs import hide_in

    from fednode.federation.network import Network, SponsorError

    chain_id, public = _chain(where.chain)
    rpc = tuple(where.rpc or ()) or (public or LOCAL,)
    hide_in(*rpc)
    network = Network(
        rpc=rpc,
        chain_id=chain_id or chain_id_of(rpc, "Name one with --rpc"),
        records=where.records.expanduser(),
        cache=where.records.expanduser() / ".cache",
        open_signer=lambda network: _signer(network, whose),
        code=shipped_code,
        wanted=where.federation,
        choose="--federation 0x…",
        program=PROGRAM,
    )
    if chain_id is None and not network.is_development:
        raise SponsorError(
            f"the node serves {network.name}, which is no chain for development: say which chain you mean, with "
            f"--chain {network.chain_id} if it is this one"
        )
    return network


def _chain(named: str | None) -> tuple[int | None, str | None]:
    """The id and a public node, each if it is known."""
    from fedprotocol.chains import known_chain

    from fednode.cli.common import preset

    if named is None:
        return None, None
    if named.isdecimal() and int(named) > 0:
        chain = known_chain(int(named))
        return int(named), chain.rpc if chain is not None else None
    chain = preset(named)
    return chain.id, chain.rpc


def _signer(network: Network, whose: Whose) -> Signer:
    from fedprotocol.chain.account.remote_signer import RemoteSigner
    from fedprotocol.chain.account.signer import KeystoreSigner

    from fednode.federation.named import account
    from fednode.federation.network import SponsorError

    if (whose.signer is None) != (whose.address is None) or None not in (whose.signer, whose.keystore):
        raise SponsorError("--signer and --address belong together, and exclude --keystore")
    if whose.signer is not None and whose.address is not None:
        return RemoteSigner.connect(whose.signer, account(whose.address))
    if whose.keystore is not None:
        if not whose.keystore.expanduser().is_file():
            raise SponsorError(f"there is no key file {whose.keystore}: `fednode account new --keystore` makes one")
        return KeystoreSigner.open(whose.keystore.expanduser(), whose.password_file)
    if network.is_development and network.web3.eth.accounts:
        return RemoteSigner(network.rpc[0], network.web3.eth.accounts[0])
    raise SponsorError("no account: name its key file with --keystore, or a remote signer with --signer and --address")
