"""An invitation that was received: fetched from a file or the web, and turned into what a config says of the chain."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fedprotocol.config import ConfigError
from fedprotocol.deployment.invitation import MAX_BYTES, Invitation, InvitationError, parse
from fedprotocol.printable import LONGEST_TEXT, printable
from fedprotocol.program import outgoing
from fedprotocol.spec import CHAT
from fedprotocol.store import web
from fedprotocol.store.base import StoreError
from fedprotocol.store.deadline import Deadline
from fedprotocol.store.download import Download
from fedprotocol.store.places import kind_of, usual_store
from fedprotocol.store.source import SourceFailed
from fedprotocol.urls import http_url

SECONDS = 30.0
"""For the whole of it."""


@dataclass(frozen=True)
class Connection:
    """What a new config says of chain and store. `remarks`: lines for its head and for the terminal."""

    coordinator: str
    chain_id: int
    rpc: tuple[str, ...]
    store: str
    peers: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def connection(
    where: str | None,
    coordinator: str | None,
    chain_id: int | None,
    rpc: Sequence[str],
    store: str | None,
    peers: Sequence[str],
) -> Connection:
    """What the invitation at `where` (file or URL) says, with what was given beside it; without one, what was given.

    `rpc` and `store` take the place of what the invitation says, `peers` are asked before those that it names.

    Raises:
        ConfigError: something is missing, or given twice.
        InvitationError: see `receive`.
    """
    if where is None:
        needed = {"--coordinator": coordinator, "--chain-id": chain_id, "--rpc": rpc or None}
        if missing := [option for option, value in needed.items() if value is None]:
            raise ConfigError(
                f"give --invitation with the file or URL that the sponsor sent you, or {', '.join(missing)} as well"
            )
        return Connection(str(coordinator), int(chain_id or 0), tuple(rpc), store or "dir:store", tuple(peers))
    if coordinator is not None or chain_id is not None:
        raise ConfigError("--coordinator and --chain-id are in the invitation: leave them out, or leave it out")
    invitation = receive(where)
    if not rpc and not invitation.rpc:
        raise ConfigError(
            f"the invitation names no node of chain {invitation.chain_id}: give one with --rpc, best one of your own"
        )
    own = store or usual_store(invitation.peers)
    served = [peer for peer in invitation.peers if kind_of(peer).serves(own)]
    return Connection(
        invitation.coordinator,
        invitation.chain_id,
        tuple(rpc) or invitation.rpc,
        own,
        tuple(dict.fromkeys((*peers, *served))),
        tuple(_head(invitation)),
    )


def receive(where: str) -> Invitation:
    """The invitation in the file `where`, or at that URL.

    Over the web it is fetched with the limits of every other download. Only https counts, but for this machine: what
    the chain cannot tell is which of its contracts was meant, and over http anybody on the way could name another.

    Raises:
        InvitationError: it cannot be read or fetched, or is none.
    """
    if where.startswith(("http://", "https://")):
        return parse(_fetched(where), where)
    try:
        with Path(where).expanduser().open("rb") as file:
            return parse(file.read(MAX_BYTES + 1), where)
    except OSError as error:
        raise InvitationError(f"the invitation {where} cannot be read: {error.strerror}") from error


def _fetched(url: str) -> bytes:
    try:
        http_url(url)
    except ValueError as error:
        raise InvitationError(f"{url!r} {error}") from None
    if url.startswith("http://") and not outgoing.is_here(url):
        raise InvitationError(
            f"{url} is not fetched: over http anybody on the way could name another contract. Use https, or have the "
            "sponsor send you the file"
        )
    try:
        within = Deadline(SECONDS)
        with web.get(url, {"Accept-Encoding": "identity"}, SECONDS, within) as answer:
            if answer.head.status != 200:
                raise InvitationError(f"the invitation is not at {url}: HTTP {answer.head.status}")
            body = Download(answer.chunks, within, web.BROKEN, SourceFailed)
            content = bytearray()
            while len(content) <= MAX_BYTES and (chunk := body.read(MAX_BYTES)):
                content += chunk
            return bytes(content)
    except StoreError as error:
        raise InvitationError(f"the invitation cannot be fetched from {url}: {error}") from error


def _head(invitation: Invitation) -> list[str]:
    """What people should know, a line each; nothing that others chose can begin a line of its own."""
    terms, data, phases = invitation.terms, invitation.data, invitation.phases
    template = printable(json.dumps(data.template + (data.join or "")), LONGEST_TEXT)
    row = (
        "a conversation in the base model's own chat template"
        if data.template == CHAT
        else f"{template} and the answer"
    )
    anybody = "anybody with the stake may join"
    lines = [
        f"Federation {json.dumps(invitation.name, ensure_ascii=False)}, coordinator {invitation.coordinator} on chain "
        f"{invitation.chain_id}",
        f"{terms.rounds} rounds, {terms.min_clients} to {terms.max_clients} clients; a round pays {terms.round_reward}",
        f"stake at least {terms.stake}, {terms.stake_per_example} for each example; penalty {terms.penalty}; token "
        f"{terms.token}",
        f"who may join is decided by {terms.gate}" if terms.gate else anybody,
        f"phases: train {_length(phases.train)}, reveal {_length(phases.reveal)}, attest {_length(phases.attest)}, "
        f"challenge {_length(phases.challenge)}",
        f"base model {json.dumps(invitation.base_model, ensure_ascii=False)}",
        f"a row: {row}, at most {data.sequence_length} tokens in all",
    ]
    if data.classes:
        lines.append(f"answers: {printable(json.dumps(list(data.classes))[1:-1], LONGEST_TEXT)}")
    lines.append("The programs take all of this from the chain and the spec, not from the invitation.")
    return [*lines, *(f"Note: {remark}" for remark in invitation.remarks())]


def _length(seconds: int) -> str:
    for unit, of in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds % of == 0:
            return f"{seconds // of} {unit}"
    return f"{seconds} s"
