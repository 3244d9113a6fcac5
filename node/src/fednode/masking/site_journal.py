"""What a site must not forget of masked rounds, in the node's journal. Every change is on the disk when a call returns.

A key is here before it is committed, the one transcript of a round before anything is masked under it, and that a site
publishes before it does. Secrets and what training gave are erased once a round is settled; the rest stays, so that a
journal that lacks it is known to be an older copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedprotocol.errors import FedError
from fedprotocol.journal import Journal

_UNERASED = "masks.unerased"


class AnotherSet(FedError):
    """The journal has another transcript for the round already."""


@dataclass(frozen=True)
class Key:
    """A key pair of one round; `secret` is empty once it is erased. 32 bytes each."""

    prior_root: bytes
    public: bytes
    secret: bytes


@dataclass(frozen=True)
class TrainedAtHome:
    """What training gave, which never leaves: `file` holds float32 [value count], what changed in units of 2^-24.
    `examples`: rows that it was trained on."""

    prior_root: bytes
    examples: int
    file: Path


@dataclass(frozen=True)
class FixedSet:
    """The members of a round with their keys, and the transcript T that binds masks to them."""

    prior_root: bytes
    transcript: bytes
    members: Mapping[str, bytes]


@dataclass(frozen=True)
class MaskedRound:
    """What the journal has of one round. `keys`: newest first. `trained`: None if there is no training, or it is
    erased. `published`: the masked update may be in a store; `served`: it is in the own one."""

    keys: list[Key]
    trained: TrainedAtHome | None
    fixed: FixedSet | None
    published: bool
    served: bool


class MaskJournal:
    """Rounds of one site. Raises JournalError from every method."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def unerased(self) -> list[int]:
        """The rounds of which something secret may be here."""
        return [int(number) for number in self._journal.recall(_UNERASED) or ()]

    def of(self, number: int) -> MaskedRound:
        """All of a round at once, in one read."""
        entry = self._of(number)
        return MaskedRound(
            keys=[_key(key) for key in reversed(entry.get("keys", ()))],
            trained=_trained(entry.get("trained"), self._journal.path.parent),
            fixed=_fixed(entry.get("set")),
            published=bool(entry.get("published")),
            served=bool(entry.get("served")),
        )

    def keys(self, number: int) -> list[Key]:
        """The keys made for the round, newest first."""
        return self.of(number).keys

    def note_key(self, number: int, key: Key) -> None:
        entry = {"prior": key.prior_root.hex(), "public": key.public.hex(), "secret": key.secret.hex()}
        self._keep(number, keys=[*self._of(number).get("keys", ()), entry])

    def trained(self, number: int) -> TrainedAtHome | None:
        """The newest training for the round; None if there is none, or it is erased."""
        return self.of(number).trained

    def note_trained(self, number: int, trained: TrainedAtHome) -> None:
        """`trained.file` lies beside the journal or below it."""
        name = str(trained.file.relative_to(self._journal.path.parent))
        entry = {"prior": trained.prior_root.hex(), "examples": trained.examples, "file": name}
        self._keep(number, trained=entry)

    def fixed(self, number: int) -> FixedSet | None:
        return self.of(number).fixed

    def fix(self, number: int, fixed: FixedSet) -> None:
        """Write down the round's only transcript. Raises AnotherSet if there is another one."""
        known = self.fixed(number)
        if known is not None and known.transcript != fixed.transcript:
            raise AnotherSet(
                f"round {number} has other members or keys now than when this site fixed them. A site masks for one "
                "set of members in a round, so that it takes no further part in this one"
            )
        members = {account: key.hex() for account, key in fixed.members.items()}
        entry = {"prior": fixed.prior_root.hex(), "transcript": fixed.transcript.hex(), "members": members}
        self._change(number, set=entry)

    def published(self, number: int) -> bool:
        return self.of(number).published

    def note_published(self, number: int) -> None:
        """Call this before anything of the masked update is handed to a store."""
        self._change(number, published=True)

    def served(self, number: int) -> bool:
        return self.of(number).served

    def note_served(self, number: int) -> None:
        """The own store has the masked update."""
        self._change(number, served=True)

    def erase(self, number: int) -> None:
        """Delete what training gave and the secrets of the round's keys, from the disk too. It is erased only when this
        returns."""
        trained = self.trained(number)
        if trained is not None:
            trained.file.unlink(missing_ok=True)
        keys = [{**key, "secret": ""} for key in self._of(number).get("keys", ())]
        self._change(number, keys=keys, trained=None)
        self._journal.scrub()
        self._journal.note(_UNERASED, [other for other in self.unerased() if other != number])

    def _of(self, number: int) -> dict[str, Any]:
        return dict(self._journal.recall(f"masks.{number}") or {})

    def _keep(self, number: int, **values: Any) -> None:
        """Change what may be secret. The round is listed first, so that nothing of it is forgotten."""
        if number not in self.unerased():
            self._journal.note(_UNERASED, [*self.unerased(), number])
        self._change(number, **values)

    def _change(self, number: int, **values: Any) -> None:
        self._journal.note(f"masks.{number}", {**self._of(number), **values})


def _key(entry: Mapping[str, str]) -> Key:
    return Key(_bytes(entry["prior"]), _bytes(entry["public"]), _bytes(entry["secret"]))


def _trained(entry: Mapping[str, Any] | None, folder: Path) -> TrainedAtHome | None:
    if entry is None:
        return None
    return TrainedAtHome(_bytes(entry["prior"]), entry["examples"], folder / entry["file"])


def _fixed(entry: Mapping[str, Any] | None) -> FixedSet | None:
    if entry is None:
        return None
    members = {account: _bytes(key) for account, key in entry["members"].items()}
    return FixedSet(_bytes(entry["prior"]), _bytes(entry["transcript"]), members)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text)
