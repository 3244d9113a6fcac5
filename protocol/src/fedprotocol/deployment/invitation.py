"""An invitation: what a sponsor hands to sites and aggregators, so that they need nothing else to set up.

A deployment writes it, `fednode init` and `fedaggregator init` read it. It says where to look and what to
expect; nothing in it is believed. What a contract's code is, which spec and which global 0 the federation has, its
phases and its money are read from the chain whenever a program starts, and content is checked against its hash.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, PositiveInt, ValidationError

from fedprotocol.chain.read.code import shipped_version
from fedprotocol.complaints import complaints
from fedprotocol.config import Address, CodeHash, RpcUrl, Section
from fedprotocol.deployment.federation_file import Phases
from fedprotocol.errors import FedError
from fedprotocol.files.text import NotText, decoded
from fedprotocol.files.whole import write_whole
from fedprotocol.printable import json_text
from fedprotocol.store.base import StoreError
from fedprotocol.store.places import kind_of
from fedprotocol.strict import Hex32, Name

MAX_BYTES = 1 << 20
"""An invitation is a few kilobytes; the longest part of it are the classes."""

Kind = Literal["federation invitation"]


class InvitationError(FedError):
    """There is no usable invitation; the message says where, and what is wrong with it."""


def _place(text: str) -> str:
    place = text.strip()
    try:
        kind_of(place)
    except StoreError as error:
        raise ValueError(str(error)) from None
    return place


Place = Annotated[str, Field(max_length=500), AfterValidator(_place)]


class Member(Section):
    """One of the federation's contracts. `code`: keccak-256 of what stood at `address` after the deployment."""

    role: Literal["coordinator", "disputes", "rule", "gate", "library"]
    address: Address
    code: CodeHash
    is_known: bool  # to the version of the programs that deployed


class Terms(Section):
    """What it takes to join, for people to read."""

    stake: Name  # the least, such as "100 FED"
    stake_per_example: Name
    penalty: Name
    round_reward: Name
    token: Address
    gate: Address | None  # who may join is decided there; None: anybody
    min_clients: PositiveInt
    max_clients: PositiveInt
    rounds: PositiveInt


class DataFormat(Section):
    """What a site's rows are made into, for people to read; the spec says the same."""

    template: Annotated[str, Field(max_length=100_000)]
    join: Annotated[str, Field(max_length=8)] | None  # white space before the answer; None: spaces are the data's
    classes: tuple[Annotated[str, Field(max_length=1_000)], ...] | None
    sequence_length: PositiveInt


class Invitation(Section):
    """The whole file."""

    kind: Kind
    version: Literal[1]
    name: Name
    chain_id: PositiveInt
    coordinator: Address
    contracts: tuple[Member, ...]
    code_version: CodeHash  # of all contracts that the deploying version of the programs knows
    spec_digest: Hex32
    genesis_root: Hex32
    base_model: Name
    rpc: tuple[RpcUrl, ...]  # Ethereum nodes that whoever is invited may use
    peers: tuple[Place, ...]  # where the spec and the global 0 are served
    phases: Phases
    terms: Terms
    data: DataFormat

    def remarks(self) -> list[str]:
        """What whoever is invited should know before a program meets it on the chain, a sentence each."""
        said = []
        if self.code_version != shipped_version():
            said.append(
                "the sponsor's version of these programs has other contracts than this one: if doctor's line `code` "
                "is not ok, install the version that the sponsor uses"
            )
        for part in self.contracts:
            if not part.is_known:
                said.append(
                    f"the {part.role} contract at {part.address} is the sponsor's own. Nothing is put into the "
                    f"federation before you trust its code, once you have read its source: [chain] trusted_code = "
                    f'["{part.code}"]'
                )
        return said


def parse(content: bytes, where: str) -> Invitation:
    """`content` as an invitation; `where`: how messages call it.

    Raises:
        InvitationError: it is too large, no JSON, damaged, something else, or of a version that is not known here.
    """
    if len(content) > MAX_BYTES:
        raise InvitationError(f"{where} is no invitation: it is larger than {MAX_BYTES >> 20} MiB")
    try:
        text = decoded(content)
    except NotText as error:
        raise InvitationError(f"{where} {error}") from None
    if text.lstrip()[:1] != "{":
        raise InvitationError(
            f"{where} is no invitation: it must be the JSON file that a deployment writes beside "
            "deployments/<chain id>.json"
        )
    try:
        return Invitation.model_validate_json(text)
    except ValidationError as error:
        raise InvitationError(f"{where} {_told(error)}") from None


def _told(error: ValidationError) -> str:
    wrong = {item["loc"]: item for item in error.errors(include_url=False)}
    if () in wrong:
        return "is damaged: it is no whole JSON document. Fetch it, or ask the sponsor for it, again"
    if ("kind",) in wrong:
        return f"is no invitation: its `kind` is not {get_args(Kind)[0]!r}. Is it another file of the sponsor's?"
    if ("version",) in wrong:
        return "is of another version of these programs: take the version that the sponsor uses"
    return "\n  ".join(["is damaged, or of another version. Ask the sponsor for it again:", *complaints(error)])


def invitation_file(deployment: Path) -> Path:
    """Where the invitation stands that belongs to the deployment's record `deployment`."""
    return deployment.with_suffix(".invitation.json")


def save(invitation: Invitation, deployment: Path) -> Path:
    """Write it beside the record `deployment`; returns where. Raises OSError."""
    text = json_text(invitation.model_dump(mode="json"), indent=2) + "\n"
    return write_whole(invitation_file(deployment), text)
