"""The policy file: TOML that the site's data protection officer writes, read strictly.

Every byte counts: an approval names the SHA-256 of the whole file, so that whatever is changed in it must be approved
again.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from fedprotocol.complaints import complaints
from fedprotocol.config import Address
from fedprotocol.errors import FedError
from fedprotocol.files.text import NotText, decoded
from fedprotocol.strict import Hex32, Listed, Name, Part
from pydantic import Field, ValidationError, model_validator

from fednode.policy.mode import Mode

LARGEST = 1 << 16  # bytes of a policy file


class PolicyError(FedError):
    """The policy file cannot be used; the message names the file, the key and what is expected."""

    needs_person = True


class Allowance(Part):
    """`[[federation]]`: a federation in which this site may take part, and on which conditions.

    `spec`: the SHA-256 of the federation's document. `min_noise`: the least noise multiplier of differential privacy
    at this site, 0 for none. `peers`: accounts of which at least `at_least` must take part in a round before anything
    leaves in it; all of them if `at_least` is left out. `trackers`: where on other machines this site's figures may
    go, as `[track]` in the config names them; `hub:OWNER/NAME` for the score in a model card of `fednode push`.
    """

    spec: Hex32
    modes: Annotated[Listed[Mode], Field(min_length=1)]
    min_noise: Annotated[float, Field(ge=0)] = 0.0
    peers: Listed[Address] = ()
    at_least: Annotated[int, Field(ge=1)] | None = None
    trackers: Listed[Name] = ()

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        if len(set(self.peers)) < len(self.peers):
            raise ValueError("peers names an account twice")
        if self.at_least is not None and self.at_least > len(self.peers):
            raise ValueError(f"at_least is {self.at_least}, and peers names {len(self.peers)}: no round could meet it")
        return self

    @property
    def needed_peers(self) -> int:
        """How many of `peers` must take part."""
        return len(self.peers) if self.at_least is None else self.at_least


class Policy(Part):
    """The whole file. `site`: the organisation whose policy it is, as approvals name it."""

    version: Literal[1]
    site: Name
    federation: Annotated[Listed[Allowance], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        found = Counter(allowance.spec for allowance in self.federation)
        if twice := [spec for spec, times in found.items() if times > 1]:
            raise ValueError(f"federation: {', '.join(twice)} stands there more than once")
        return self

    def allowance(self, spec: str) -> Allowance | None:
        """What the policy says of the federation with this document (0x and 64 hexadecimal digits); None: nothing."""
        return next((allowance for allowance in self.federation if allowance.spec == spec), None)


@dataclass(frozen=True)
class PolicyFile:
    """A policy, and the text that it was read from."""

    policy: Policy
    text: str

    @property
    def digest(self) -> str:
        """The name of this text in approvals: 0x and 64 hexadecimal digits."""
        return digest_of(self.text)


def digest_of(text: str) -> str:
    """SHA-256 of a policy's text in UTF-8: 0x and 64 hexadecimal digits."""
    return "0x" + hashlib.sha256(text.encode()).hexdigest()


def load_policy(path: Path) -> PolicyFile:
    """Read a policy file. Raises PolicyError: no such file, not TOML, a key missing, unknown or wrong."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PolicyError(f"the policy {path} cannot be read: {error.strerror}") from None
    if len(content) > LARGEST:
        raise PolicyError(f"the policy {path} is larger than {LARGEST >> 10} KiB: is it another file?")
    try:
        values = tomllib.loads(decoded(content))
        policy = Policy.model_validate(values)
    except NotText as error:
        raise PolicyError(f"the policy {path} {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"the policy {path} is not valid TOML: {error}") from None
    except ValidationError as error:
        raise PolicyError("\n  ".join([f"the policy {path}:", *complaints(error)])) from None
    return PolicyFile(policy, content.decode())
