"""`fedaggregator account` and `fednode account`: the encrypted key, the same commands with either config."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from fedprotocol.program.terminal import say

if TYPE_CHECKING:
    from fedprotocol.config import AccountConfig

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


def account_commands(config_option: Any, default: Path, account_in: "Callable[[Path], AccountConfig]") -> typer.Typer:
    """The commands of a program whose option for its config is `config_option`; `account_in` reads that file's
    `[account]`."""
    app = typer.Typer(
        help="Make, import, show or re-encrypt the account's key: an encrypted keystore that every wallet can read.",
        no_args_is_help=True,
    )

    def files(keystore: Path | None, password_file: Path | None, config: Path) -> tuple[Path, Path | None]:
        if keystore is not None:
            return keystore, password_file
        from fedprotocol.chain.account.signer import keystore_of

        account = account_in(config)
        return keystore_of(account), password_file or account.password_file

    @app.command("new")
    def new(
        keystore: KeystoreOption = None, password_file: PasswordOption = None, config: config_option = default
    ) -> None:
        """Make a new random key and print its address."""
        from fedprotocol.chain.account import keys

        path, password = files(keystore, password_file, config)
        account = keys.create(path, keys.read_password(password, "Password for the new keystore: ", confirm=True))
        say(account.address)

    @app.command("import")
    def import_(
        source: Annotated[
            Path | None, typer.Argument(help="Keystore of another wallet. Without it, the private key is asked for.")
        ] = None,
        keystore: KeystoreOption = None,
        password_file: PasswordOption = None,
        config: config_option = default,
    ) -> None:
        """Import an existing key.

        A private key is asked for at the terminal; it is never an argument, which other users of the machine could see.
        """
        import sys
        from getpass import getpass

        from fedprotocol.chain.account import keys
        from fedprotocol.errors import FedError

        path, password = files(keystore, password_file, config)
        if source is not None:
            account = keys.import_keystore(path, source, keys.read_password(password))
        else:
            if not sys.stdin.isatty():
                raise FedError("a private key is asked for at a terminal, and there is none: name a keystore to import")
            private = getpass("Private key (64 hex digits): ")
            account = keys.import_key(path, private, keys.read_password(password, confirm=True))
        say(account.address)

    @app.command("show")
    def show(keystore: KeystoreOption = None, config: config_option = default) -> None:
        """Print the account's address. The password is needed only if the keystore does not name its address."""
        from fedprotocol.chain.account.signer import address_in, address_of

        say(address_in(keystore) if keystore is not None else address_of(account_in(config)))

    @app.command("password")
    def password(
        new_password_file: Annotated[
            Path | None,
            typer.Option(
                help="File of mode 600 with the new password. Default: it is asked for at the terminal.",
            ),
        ] = None,
        keystore: KeystoreOption = None,
        password_file: PasswordOption = None,
        config: config_option = default,
    ) -> None:
        """Encrypt the key with another password. The address, the seat and the stake stay as they are."""
        from fedprotocol.chain.account import keys

        path, old = files(keystore, password_file, config)
        before = keys.read_password(old, "Password now: ")
        after = keys.read_new_password(new_password_file)
        account = keys.change_password(path, before, after)
        say(f"{path} opens with the new password from now on, the account is still {account.address}")
        if old is not None:
            say(f"{old} still holds the old password: put the new one there before you start the program again")

    return app
