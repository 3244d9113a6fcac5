"""The part of a TOML config file that every daemon has: chain, store, account, home.

Relative paths are relative to the file. Unknown keys are errors, so that a typing mistake is not silently a default.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from fedprotocol.chains import CONFIRMATIONS, usual_confirmations
from fedprotocol.complaints import complaints
from fedprotocol.errors import FedError
from fedprotocol.files.text import NotText, read_text
from fedprotocol.foreign_errors import told_as
from fedprotocol.printable import printable
from fedprotocol.urls import http_url, websocket_beside, websocket_url

KIND_OF_URL = {
    "dir": "dir:/absolute/or/relative/folder",
    "kubo": "kubo:http://127.0.0.1:5001",
    "gateway": "gateway:https://host",
}


class ConfigError(FedError):
    """The config file cannot be used; the message names the file, the key and what is expected."""

    needs_person = True


def _address(text: str) -> str:
    from fedprotocol.address import parse_address

    return str(parse_address(text))


def _hash(text: str) -> str:
    digits = text.removeprefix("0x").lower()
    if len(digits) != 64 or not set(digits) <= set("0123456789abcdef"):
        raise ValueError("must be the keccak-256 of a contract's code: 0x and 64 hexadecimal digits")
    return "0x" + digits


def _store_url(text: str) -> str:
    url = text.strip()
    kind, colon, rest = url.partition(":")
    if kind not in KIND_OF_URL or not colon or not rest:
        raise ValueError("must be " + " or ".join(KIND_OF_URL.values()))
    if kind != "dir":
        http_url(rest)
    return url


def _server(text: str) -> str:
    from fedprotocol.program.tokens import origin

    return origin(text)


Address = Annotated[str, AfterValidator(_address)]
CodeHash = Annotated[str, AfterValidator(_hash)]
RpcUrl = Annotated[str, AfterValidator(http_url)]
WebSocketUrl = Annotated[str, AfterValidator(websocket_url)]
StoreUrl = Annotated[str, AfterValidator(_store_url)]
Peer = Annotated[str, AfterValidator(str.strip)]
Server = Annotated[str, AfterValidator(_server)]


class Section(BaseModel):
    """A table of a config file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ChainConfig(Section):
    """`[chain]`. Except on development chains, 0 confirmations must be written out (`fedprotocol.chains`)."""

    rpc: tuple[RpcUrl, ...] = Field(min_length=1)  # tried in order
    chain_id: PositiveInt
    coordinator: Address
    # how many blocks must lie on top of something before the program acts on it
    confirmations: int = Field(default=CONFIRMATIONS, ge=0)
    poll_seconds: PositiveFloat = 2.0
    # where new blocks are announced, so that no poll need be waited for; None: at the addresses of `rpc`
    websocket: tuple[WebSocketUrl, ...] | None = None
    max_fee_gwei: PositiveFloat = 500.0  # never pay more for a unit of gas
    # code hashes of contracts that are not of this version and are trusted all the same
    trusted_code: tuple[CodeHash, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _confirmed_as_usual(cls, given: Any) -> Any:
        return (
            {"confirmations": usual_confirmations(given.get("chain_id")), **given} if isinstance(given, dict) else given
        )

    @property
    def websockets(self) -> tuple[str, ...]:
        """Where new blocks may be announced, tried in order."""
        return tuple(map(websocket_beside, self.rpc)) if self.websocket is None else self.websocket


class StoreConfig(Section):
    """`[store]`: the program's own store, and where it reads the content of others."""

    url: StoreUrl
    peers: tuple[Peer, ...] = ()
    find_peers: bool = True  # also read from where the other participants announce, on the chain, that they serve
    announce: tuple[Peer, ...] | None = None  # where others can read this store; None: see `fedprotocol.peers`


class AccountConfig(Section):
    """`[account]`: an encrypted keystore, or the JSON-RPC URL of a remote signer and the address it signs for.

    Without `password_file` the keystore's password is asked for or taken from the environment. A program that only
    watches needs neither.
    """

    keystore: Path | None = None
    password_file: Path | None = None
    signer: RpcUrl | None = None
    address: Address | None = None

    @model_validator(mode="after")
    def _names_one_signer(self) -> Self:
        if (self.signer is None) != (self.address is None):
            raise ValueError("signer and address belong together")
        if self.signer is not None and self.keystore is not None:
            raise ValueError("keystore and signer exclude each other: remove one")
        if self.keystore is None and self.password_file is not None:
            raise ValueError("password_file belongs to a keystore, and none is named")
        return self


class MonitorConfig(Section):
    """`[monitor]`: `/metrics` and `/health`, on 127.0.0.1 only."""

    port: int = Field(default=0, ge=0, le=65535)  # 0: no port


class ConnectionConfig(Section):
    """What a daemon needs to take part: make a subclass to add further tables."""

    home: Path = Path()  # journal, cache, status
    chain: ChainConfig
    store: StoreConfig
    account: AccountConfig = AccountConfig()
    monitor: MonitorConfig = MonitorConfig()
    tokens: dict[Server, Path] = {}  # files with the tokens that servers want to see (`fedprotocol.program.tokens`)

    @property
    def journal(self) -> Path:
        """The SQLite journal."""
        return self.home / "journal.sqlite"

    @property
    def events(self) -> Path:
        """The coordinator's events, read so far (SQLite; it may be deleted)."""
        return self.home / "events.sqlite"

    @property
    def last_seen(self) -> Path:
        """What was last read from the chain (JSON; it may be deleted)."""
        return self.home / "chain.json"

    @property
    def cache(self) -> Path:
        """Verified copies and temporary files."""
        return self.home / "cache"


def as_comments(remarks: Sequence[str]) -> str:
    """Lines of a TOML file; what others chose cannot end one of them early."""
    return "".join(f"# {printable(remark)}\n" for remark in remarks)


Config = TypeVar("Config", bound=BaseModel)


def load_config(path: Path, model: type[Config], name: Path | None = None) -> Config:
    """Read `path` as `model`, with relative paths and `dir:` URLs made absolute. `name`: what the file will be called,
    while it is a draft. The servers that its `[tokens]` names are shown their tokens from now on.

    Raises:
        ConfigError: no such file, not TOML, or a key that is missing, unknown or wrong.
    """
    shown = name or path
    with told_as(ConfigError, f"config file {shown} cannot be used"):
        try:
            config = model.model_validate(tomllib.loads(read_text(path)))
        except FileNotFoundError:
            raise ConfigError(f"there is no config file {shown}; `init` writes one, --config names another") from None
        except NotText as error:
            raise ConfigError(f"config file {shown} {error}") from None
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"config file {shown} is not valid TOML: {error}") from error
        except ValidationError as error:
            raise ConfigError("\n  ".join([f"config file {shown}:", *complaints(error)])) from error
        resolved: Config = _resolve(config, path.resolve().parent)
        if isinstance(resolved, ConnectionConfig) and resolved.tokens:
            from fedprotocol.program.tokens import present

            present(resolved.tokens)
        return resolved


def _resolve(value: Any, base: Path) -> Any:
    """`value` with every path in it made absolute from `base`. A part without paths still counts as given, or as left
    out."""
    if isinstance(value, BaseModel):
        resolved = {name: _resolve(field, base) for name, field in value}
        return value.model_copy(update={name: new for name, new in resolved.items() if new != getattr(value, name)})
    if isinstance(value, tuple):
        return tuple(_resolve(item, base) for item in value)
    if isinstance(value, dict):
        return {key: _resolve(item, base) for key, item in value.items()}
    if isinstance(value, Path):
        return base / value.expanduser()
    if isinstance(value, str) and value.startswith("dir:"):
        return f"dir:{base / Path(value.removeprefix('dir:')).expanduser()}"
    return value
