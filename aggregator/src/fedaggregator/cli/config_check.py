"""`fedaggregator config check` and `fednode config check`: what a config file comes to, before anything is started."""

import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from fedprotocol.program.terminal import say

if TYPE_CHECKING:
    from fedprotocol.config import ConnectionConfig
    from pydantic import BaseModel

NOT_SET = "not set"


def config_commands(config_option: Any, default: Path, read: "Callable[[Path], ConnectionConfig]") -> typer.Typer:
    """The commands of a program whose option for its config is `config_option`; `read` reads that file and raises
    ConfigError."""
    app = typer.Typer(help="Check the config file, and show every setting that holds.", no_args_is_help=True)

    @app.callback()
    def only_groups() -> None:
        """Make `check` a command of its own although there is no other."""

    @app.command("check")
    def check(config: config_option = default) -> None:
        """Read the config file alone, and show every setting that holds, those that the file leaves out too.

        Nothing is asked on the chain or in the store, and no file that the config names is opened; doctor does that.
        Exits with 1 if a key is unknown, missing or wrong, and names each of them.
        """
        from fedprotocol.files.text import read_text
        from fedprotocol.program.logs import hide_in

        found = read(config)
        hide_in(*found.chain.rpc, *found.chain.websockets, found.account.signer)
        say(f"{config} can be used; after # is what it leaves to the default")
        say(*setting_lines(found, tomllib.loads(read_text(config))))

    return app


def setting_lines(section: "BaseModel", given: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Each setting of a config, by tables as in TOML. `given`: what the file holds of this table."""
    from pydantic import BaseModel

    tables = {name: value for name, value in section if isinstance(value, BaseModel)}
    values = {name: value for name, value in section.model_dump(mode="json").items() if name not in tables}
    width = max(map(len, values), default=0)
    for name, value in values.items():
        shown = NOT_SET if value is None else json.dumps(value, ensure_ascii=False)
        yield f"{'  ' if name in given else '# '}{name:<{width}} = {shown}"
    for name, table in tables.items():
        inner = f"{path}{name}"
        yield f"[{inner}]"
        yield from setting_lines(table, given.get(name, {}), f"{inner}.")
