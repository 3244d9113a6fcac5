"""Invitations: what is taken from one, and what is refused, from a file and over the web."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from fedprotocol.chain.read.code import shipped_version
from fedprotocol.config import ConfigError, as_comments
from fedprotocol.deployment.invitation import Invitation, InvitationError, parse
from fedprotocol.deployment.received import connection, receive
from fedprotocol.store.base import StoreError
from fedprotocol.store.places import Place, kind_of
from support.hostile_server import Hostile

COORDINATOR = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
DAEMON = "/ip4/192.0.2.7/tcp/4001/p2p/12D3KooWExample"
HASH = "0x" + 32 * "11"
VALUES: dict[str, Any] = {
    "kind": "federation invitation",
    "version": 1,
    "name": "Ward notes",
    "chain_id": 31_337,
    "coordinator": COORDINATOR,
    "contracts": [{"role": "coordinator", "address": COORDINATOR, "code": HASH, "is_known": True}],
    "code_version": shipped_version(),
    "spec_digest": HASH,
    "genesis_root": HASH,
    "base_model": "a/model",
    "rpc": ["https://rpc.example"],
    "peers": ["https://gateway.example"],
    "phases": {"train": 3600},
    "terms": {
        "stake": "100 FED",
        "stake_per_example": "0.01 FED",
        "penalty": "10 FED",
        "round_reward": "100 FED",
        "token": COORDINATOR,
        "gate": None,
        "min_clients": 3,
        "max_clients": 32,
        "rounds": 60,
    },
    "data": {"template": "Note: {prompt}\nCode:", "join": " ", "classes": ["red", "green"], "sequence_length": 512},
}


def written(folder: Path, **changes: Any) -> str:
    file = folder / "invitation.json"
    file.write_text(json.dumps({**VALUES, **changes}))
    return str(file)


def given(where: str, rpc: tuple[str, ...] = (), store: str | None = None, peers: tuple[str, ...] = ()) -> Any:
    return connection(where, None, None, rpc, store, peers)


def test_an_invitation_says_all_that_a_config_needs(tmp_path: Path) -> None:
    made = given(written(tmp_path))
    assert (made.coordinator, made.chain_id, made.rpc) == (COORDINATOR, 31_337, ("https://rpc.example",))
    assert (made.store, made.peers) == ("dir:store", ("https://gateway.example",))
    own = given(written(tmp_path), ("http://mine:8545",), "dir:/mine", ("dir:/theirs",))
    assert (own.rpc, own.store) == (("http://mine:8545",), "dir:/mine")
    assert own.peers == ("dir:/theirs", "https://gateway.example")
    said = "\n".join(made.remarks)
    assert "100 FED" in said and "train 1 h" in said and r"Note: {prompt}\nCode: " in said and '"red", "green"' in said


def test_peers_are_those_that_the_store_can_read(tmp_path: Path) -> None:
    daemons = written(tmp_path, peers=[DAEMON])
    assert given(daemons).store == "kubo:http://127.0.0.1:5001" and given(daemons).peers == (DAEMON,)
    assert given(daemons, store="dir:store").peers == ()
    mixed = written(tmp_path, peers=[DAEMON, "https://gateway.example", "dir:/srv/x"])
    assert given(mixed).peers == ("https://gateway.example", "dir:/srv/x")
    assert given(mixed, store="kubo:http://127.0.0.1:5001").peers == (DAEMON, "https://gateway.example")
    assert [kind_of(peer) for peer in (DAEMON, "dir:/x", "http://h/ipfs/")] == [
        Place.DAEMON,
        Place.FOLDER,
        Place.GATEWAY,
    ]
    for wrong in ("dir:x", "ftp://h", "https://user:secret@h", "https://h?key=1", "/ip4/192.0.2.7/tcp/4001", ""):
        with pytest.raises(StoreError, match=r"is no (place|gateway|peer)"):
            kind_of(wrong)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "deployment"}, "its `kind` is not 'federation invitation'"),
        ({"kind": None}, "its `kind` is not"),
        ({"version": 2}, "take the version that the sponsor uses"),
        ({"coordinator": "0x12"}, "coordinator: must be an Ethereum address"),
        ({"chain_id": 0}, "chain_id: "),
        ({"rpc": ["ws://x"]}, "rpc.0: must be an http"),
        ({"peers": ["store"]}, "peers.0: 'store' is no place to read from"),
        ({"trusted_code": [HASH]}, "trusted_code: unknown key"),
        ({"name": "x\nrpc = []"}, "name: must hold no control characters"),
        ({"phases": {}}, ""),
    ],
)
def test_a_damaged_or_foreign_one_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    where = written(tmp_path, **change)
    if not said:
        assert receive(where).phases.train == 4 * 3600
        return
    with pytest.raises(InvitationError) as refused:
        receive(where)
    assert said in str(refused.value) and where in str(refused.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (json.dumps(VALUES).encode()[:-40], "no whole JSON document"),
        (b"<!doctype html>", "must be the JSON file"),
        (b"", "must be the JSON file"),
        (b"\xff\xfe{\0", "UTF-16"),
        (b"{" + b" " * (1 << 20), "larger than 1 MiB"),
        (b"[" * 100_000, "must be the JSON file"),
        (b'{"a":' * 100_000, "no whole JSON document"),
    ],
)
def test_bytes_that_are_none(content: bytes, said: str) -> None:
    with pytest.raises(InvitationError, match=said):
        parse(content, "it")


def test_what_is_missing_or_given_twice(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--invitation .* --coordinator, --chain-id, --rpc as well"):
        connection(None, None, None, (), None, ())
    with pytest.raises(ConfigError, match="are in the invitation"):
        connection(written(tmp_path), COORDINATOR, None, (), None, ())
    with pytest.raises(ConfigError, match="names no node of chain 31337: give one with --rpc"):
        given(written(tmp_path, rpc=[]))
    with pytest.raises(InvitationError, match=r"nowhere\.json cannot be read: No such file"):
        given(str(tmp_path / "nowhere.json"))
    assert connection(None, COORDINATOR, 5, ("http://x",), None, ()).store == "dir:store"


def test_what_programs_will_not_know_is_said_and_nothing_is_trusted(tmp_path: Path) -> None:
    gate = {"role": "gate", "address": COORDINATOR, "code": HASH, "is_known": False}
    remarks = given(written(tmp_path, contracts=[gate], code_version=HASH)).remarks
    assert any("has other contracts than this one" in line for line in remarks)
    assert any(f'[chain] trusted_code = ["{HASH}"]' in line for line in remarks)
    assert all(line.startswith("# ") for line in as_comments(remarks).splitlines())
    assert not any(line.startswith("Note: ") for line in given(written(tmp_path)).remarks)


def served(body: bytes, status: str = "200 OK", more: str = "") -> Any:
    def answer(client: socket.socket) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{more}\r\n"
        client.sendall(head.encode() + body)

    return answer


def endless(client: socket.socket) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while True:
        client.sendall(b"{" * 65_536)


def test_over_the_web() -> None:
    with Hostile(served(json.dumps(VALUES).encode())) as server:
        assert isinstance(receive(server.url), Invitation)
    with Hostile(served(b"", "404 Not Found")) as server, pytest.raises(InvitationError, match="HTTP 404"):
        receive(server.url)
    with Hostile(endless) as server, pytest.raises(InvitationError, match="larger than 1 MiB"):
        receive(server.url)
    elsewhere = served(b"", "302 Found", "Location: http://127.0.0.2:1/\r\n")
    with Hostile(elsewhere) as server, pytest.raises(InvitationError, match="sends elsewhere, which is not followed"):
        receive(server.url)
    with pytest.raises(InvitationError, match="over http anybody on the way could name another contract"):
        receive("http://sponsor.example/invitation.json")
