"""Whether each contract that decides about a federation's money has the code of this version."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from web3 import Web3

from fedprotocol.address import NOBODY
from fedprotocol.chain.abi import WORD
from fedprotocol.chain.errors import ChainError, translated
from fedprotocol.chain.read.code import Shipped, can_change, code_hash, libraries_in, shipped, shipped_version
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.creation import init_code, was_made
from fedprotocol.config import ChainConfig
from fedprotocol.files.whole import write_whole

log = logging.getLogger(__name__)

VERDICTS = "code.json"  # in a program's home folder: what was found before
MEANING = {
    "coordinator": "it holds all stakes and bonds, and pays whom its own code says",
    "disputes": "it decides which proposals are convicted, right ones too: their bonds go to whom it says",
    "rule": "it decides which global is the right one, and so who is convicted",
    "gate": "it decides who may take a seat, and who may be put out of it",
    "library": "what it does, it does in the coordinator's name and with its money",
}


@dataclass(frozen=True)
class Part:
    """One contract of a federation.

    `hash`: keccak-256 of its code, 0x-hex; `contract`: its name in this version; None if it is none of this version's
    contracts. `made`: its address shows that this version's constructor made it, or it is a gate. `named`: the config
    trusts exactly this code. `fixed`: no other code can take its place.
    """

    role: str
    address: str
    hash: str
    contract: str | None
    made: bool
    named: bool
    fixed: bool

    @property
    def is_known(self) -> bool:
        return self.contract is not None and self.made

    @property
    def is_trusted(self) -> bool:
        return self.is_known or (self.named and self.fixed)

    def __str__(self) -> str:
        where = f"the {self.role} contract at {self.address}"
        if self.is_known:
            return f"{where} is {self.contract} of this version"
        if self.contract is not None:
            return (
                f"{where} has the code {self.hash}, that of {self.contract} of this version, but its address does not "
                f"show that this version's constructor made it: what it stored at first may be anything; "
                f"{MEANING[self.role]}"
            )
        if not self.fixed:
            return f"{where} is no contract, or an account that can change its code at any time: {MEANING[self.role]}"
        return f"{where} is not of this version, its code is {self.hash}: {MEANING[self.role]}"


class ForeignCode(ChainError):
    """A contract of the federation is neither of this version nor named in the config. `parts` are these contracts."""

    needs_person = True

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = tuple(parts)
        super().__init__(f"{'; '.join(map(str, parts))}. Nothing was put into this federation. {_remedy(parts)}")


def _remedy(parts: Sequence[Part]) -> str:
    hashes = [part.hash for part in parts if part.fixed]
    if len(hashes) < len(parts):
        return "Choose another one"
    trust = f"[chain] trusted_code = {json.dumps(sorted(set(hashes)))}"
    return f"Choose another one, or the version of these programs that has such code; or trust it: {trust}"


def examine(coordinator: Coordinator, trusted: Collection[str] = ()) -> tuple[Part, ...]:
    """The federation's contracts: coordinator, libraries, disputes, rule and, if it has one, its gate.

    If the coordinator's code is unknown, it is not asked about the others, and is the only one in the list.

    Args:
        trusted: code hashes (0x-hex, lower case) that count as known.

    Raises:
        ChainError: the chain does not answer.
    """
    look = _Look(coordinator, frozenset(trusted))
    found = list(look.at("coordinator", coordinator.address))
    if not all(part.is_trusted for part in found):
        return tuple(found)
    config = coordinator.config()
    for role, address in (("disputes", config.disputes), ("rule", config.rule), ("gate", config.gate)):
        if role != "gate" or address != NOBODY:
            found += look.at(role, address)
    return tuple(found)


def foreign(parts: Sequence[Part]) -> list[Part]:
    """The contracts that are neither known nor trusted by the config."""
    return [part for part in parts if not part.is_trusted]


def require_known(coordinator: Coordinator, config: ChainConfig) -> None:
    """Call this before money goes into the federation. Raises ForeignCode, and the errors of `examine`."""
    parts = examine(coordinator, config.trusted_code)
    if unknown := foreign(parts):
        raise ForeignCode(unknown)
    for part in parts:
        if not part.is_known:
            log.warning("%s; [chain] trusted_code names it", part)


def warnings(coordinator: Coordinator, config: ChainConfig, home: Path) -> list[str]:
    """A sentence for each unknown contract, for commands that only read. The result is kept in `home`, with everything
    on which it depends. Raises the errors of `examine`."""
    key = " ".join((shipped_version(), str(coordinator.chain_id), coordinator.address, code_hash(coordinator.code)))
    key += "".join(f" {hash_}" for hash_ in sorted(config.trusted_code))
    file = home / VERDICTS
    known = _read(file)
    if key not in known:
        known[key] = [str(part) for part in foreign(examine(coordinator, config.trusted_code))]
        with suppress(OSError):  # without it only time is lost
            write_whole(file, json.dumps(known, indent=1), synced=False)
    return [f"{sentence}. What is shown here rests on it" for sentence in known[key]]


def _read(file: Path) -> dict[str, Any]:
    try:
        known = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


class _Look:
    """Reads code from a chain, and knows the hashes that the config trusts."""

    def __init__(self, coordinator: Coordinator, trusted: frozenset[str]) -> None:
        self._coordinator = coordinator
        self._trusted = trusted

    def at(self, role: str, address: str, name: str | None = None) -> Iterator[Part]:
        """The contract at `address`, and the libraries in its code. `name`: which contract it has to be."""
        address = Web3.to_checksum_address(address)
        code = self._code(address)
        kind, libraries = _known(role, address, code, name)
        made = kind is not None and self._was_made(address, kind, code, libraries)
        hash_ = code_hash(code)
        contract = kind.name if kind is not None else None
        yield Part(role, address, hash_, contract, made, hash_ in self._trusted, not can_change(code))
        for library, place in libraries.items():
            yield from self.at("library", place, library)

    def _code(self, address: str) -> bytes:
        if address == self._coordinator.address:
            return self._coordinator.code
        with translated("eth_getCode"):
            return bytes(self._coordinator.web3.eth.get_code(Web3.to_checksum_address(address)))

    def _was_made(self, address: str, kind: Shipped, code: bytes, libraries: Mapping[str, str]) -> bool:
        if not kind.constructor:
            return True
        arguments = b""
        if kind.role == "coordinator":
            arguments = self._coordinator.raw_config()
        elif kind.role == "rule":
            arguments = b"".join(given.to_bytes(WORD) for given in self._coordinator.rule_parameters)
        return was_made(address, init_code(kind, code, libraries, arguments))


def _known(role: str, address: str, code: bytes, name: str | None) -> tuple[Shipped | None, Mapping[str, str]]:
    """The contract of this version that has this `code`, and the libraries that it is linked to."""
    for contract in shipped().values():
        if contract.role == role and name in (None, contract.name):
            libraries = libraries_in(code, address, contract)
            if libraries is not None:
                return contract, libraries
    return None, {}
