"""`fednode account`: the encrypted key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from fedprotocol.program.terminal import say

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption

app = typer.Typer(
    help="Make, import or show the node's key: an encrypted keystore that every wallet can read.", no_args_is_help=True
)

KeystoreOption = Annotated[
    Path | None, typer.Option("--keystore", help="The keystore file. Default: the one that the config names.")
]
PasswordOption = Annotated[
    Path | None,
    typer.Option(
        "--password-file",
        help="File of mode 600 with the password. Default: the config's file, then "
        "FEDNODE_PASSWORD, then a question at the terminal.",
    ),
]


@app.command("new")
def new(
    keystore: KeystoreOption = None, password_file: PasswordOption = None, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Make a new random key and print its address."""
    from fedprotocol.chain.account import keys

    path, password = _files(keystore, password_file, config)
    account = keys.create(path, keys.read_password(password, "Password for the new keystore: ", confirm=True))
    say(account.address)


@app.command("import")
def import_(
    source: Annotated[
        Path | None, typer.Argument(help="Keystore of another wallet. Without it, the private key is asked for.")
    ] = None,
    keystore: KeystoreOption = None,
    password_file: PasswordOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Import an existing key.

    A private key is asked for at the terminal; it is never an argument, which other users of the machine could see.
    """
    import sys
    from getpass import getpass

    from fedprotocol.chain.account import keys
    from fedprotocol.errors import FedError

    path, password = _files(keystore, password_file, config)
    if source is not None:
        account = keys.import_keystore(path, source, keys.read_password(password))
    else:
        if not sys.stdin.isatty():
            raise FedError("a private key is asked for at a terminal, and there is none: name a keystore to import")
        private = getpass("Private key (64 hex digits): ")
        account = keys.import_key(path, private, keys.read_password(password, confirm=True))
    say(account.address)


@app.command("show")
def show(keystore: KeystoreOption = None, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Print the account's address. The password is needed only if the keystore does not name its address."""
    from fedprotocol.chain.account.signer import address_in, address_of

    from fednode.config import load

    say(address_in(keystore) if keystore is not None else address_of(load(config).account))


def _files(keystore: Path | None, password_file: Path | None, config: Path) -> tuple[Path, Path | None]:
    if keystore is not None:
        return keystore, password_file
    from fedprotocol.chain.account.signer import keystore_of

    from fednode.config import load

    account = load(config).account
    return keystore_of(account), password_file or account.password_file
