"""The entries of the site's log: an approval of its policy, an update that left, and figures that did."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Literal, Self

from fedprotocol.chain.account.message import signer_of
from fedprotocol.config import Address
from fedprotocol.strict import Hex32, Listed, Name, Natural, Part
from pydantic import Field, TypeAdapter, model_validator

from fednode.policy.document import LARGEST, digest_of
from fednode.policy.mode import Mode

NOTHING = "0x" + 64 * "0"  # what stands before the first entry

Moment = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]  # UTC
Signature = Annotated[str, Field(pattern=r"^0x[0-9a-f]{130}$")]


class Entry(Part):
    """What every entry says. `before`: the SHA-256 of the line before it, so that no line can be changed, moved or
    removed unseen. `account`: the site's. `chain_id` and `coordinator`: the federation's."""

    before: Hex32 = NOTHING
    at: Moment
    chain_id: int
    coordinator: Address
    account: Address


class Approved(Entry):
    """Somebody approved that the site takes part in the federation with the document `spec`, under the policy `text`,
    whose digest is `policy`. `by`: who, in their own words; the signature shows only that they had the site's key."""

    kind: Literal["approved"] = "approved"
    by: Name
    site: Name
    federation: Name  # the name in the document
    spec: Hex32
    policy: Hex32
    text: Annotated[str, Field(max_length=LARGEST)]
    signature: Signature

    @model_validator(mode="after")
    def _is_of_its_text(self) -> Self:
        if digest_of(self.text) != self.policy:
            raise ValueError("text is not the policy that the approval names")
        return self

    @property
    def is_signed(self) -> bool:
        """Whether the account signed exactly this."""
        return _signer(self.statement(), self.signature) == self.account

    def statement(self) -> str:
        """The text that is signed, for people who are asked to sign it."""
        return statement(self)


class Left(Entry):
    """An update that was sent out, written down before it was. `root`: of its tree, by which everybody can fetch it.
    `bytes`: the size of its file. Losses are in units of 1e-6. `epsilon`: what the site has spent of its privacy budget
    with this update; absent at a site without differential privacy."""

    kind: Literal["left"] = "left"
    round: Natural
    root: Hex32
    bytes: Annotated[int, Field(ge=0)]
    mode: Mode
    examples: Annotated[int, Field(ge=0)]
    loss_before: Annotated[int, Field(ge=0)]
    loss_after: Annotated[int, Field(ge=0)]
    epsilon: Annotated[float, Field(ge=0)] | None = Field(default=None, exclude_if=lambda epsilon: epsilon is None)


class Told(Entry):
    """Figures that were sent `to` a tracker of experiments on another machine, or into the card of a model on a hub
    (`hub:OWNER/NAME`), written down before they were: losses, learning rates and speed of the rounds in `trained`,
    scores of the globals of `scored`, and money of `settled`."""

    kind: Literal["told"] = "told"
    to: Name
    trained: Listed[Natural] = ()
    scored: Listed[Natural] = ()
    settled: Listed[Natural] = ()


AnyEntry = Annotated[Approved | Left | Told, Field(discriminator="kind")]
ENTRY: TypeAdapter[Approved | Left | Told] = TypeAdapter(AnyEntry)


def statement(approval: Approved) -> str:
    """One fact a line. No field can hold a line break, so no field can pass for another."""
    return "\n".join(
        [
            "I approve that this site takes part in a federation, under its own policy.",
            f"by: {approval.by}",
            f"at: {approval.at}",
            f"site: {approval.site}",
            f"account: {approval.account}",
            f"federation: {approval.federation}",
            f"spec: {approval.spec}",
            f"chain: {approval.chain_id}",
            f"coordinator: {approval.coordinator}",
            f"policy: {approval.policy}",
        ]
    )


@lru_cache(maxsize=256)
def _signer(text: str, signature: str) -> str | None:
    found = signer_of(text, bytes.fromhex(signature[2:]))
    return None if found is None else str(found)
