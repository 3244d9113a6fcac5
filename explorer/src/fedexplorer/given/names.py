"""What accounts are called, from a TOML file: `"0x…" = "clinic"`, a line each."""

from __future__ import annotations

import tomllib
from pathlib import Path

from fedprotocol.address import parse_address
from fedprotocol.config import ConfigError
from fedprotocol.files.text import NotText, read_text
from fedprotocol.foreign_errors import told_as
from fedprotocol.printable import LONGEST_TEXT, printable

LONGEST = 60  # characters of a name
MOST_BYTES = 1 << 20


def read_names(path: Path) -> dict[str, str]:
    """The names by checksummed address. Raises ConfigError, which names the file and what is wrong in it."""
    where = f"the names file {path}"
    with told_as(ConfigError, f"{where} cannot be used"):
        try:
            if path.stat().st_size > MOST_BYTES:
                raise ConfigError(f"{where} is larger than {MOST_BYTES >> 20} MiB: is it another file?")
            given = tomllib.loads(read_text(path))
        except OSError as error:
            raise ConfigError(f"{where} cannot be read: {error.strerror}") from None
        except NotText as error:
            raise ConfigError(f"{where} {error}") from None
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f'{where} is not valid TOML: {error}. A line of it is "0x…" = "name"') from None
        names: dict[str, str] = {}
        for key, value in given.items():
            shown = printable(key, LONGEST_TEXT)
            try:
                address = str(parse_address(key))
                name = _name(value)
            except ValueError as error:
                raise ConfigError(f"{where}: {shown}: {error}") from None
            if address in names:
                raise ConfigError(f"{where}: {shown} is named twice: remove one of the lines")
            names[address] = name
        return names


def _name(value: object) -> str:
    """Raises ValueError, which says what a name must be."""
    if not isinstance(value, str):
        raise ValueError("a name must be text in quotes")
    name = value.strip()
    if not 0 < len(name) <= LONGEST:
        raise ValueError(f"a name must have 1 to {LONGEST} characters")
    if printable(name) != name:
        raise ValueError("a name must hold no line breaks, and no characters that nobody sees")
    return name
