"""What whoever runs the explorer says, and what he is told if it cannot be used."""

from __future__ import annotations

import json
import os
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fedexplorer.given.names import read_names
from fedexplorer.given.read import Given, settings_of
from fedexplorer.given.score_files import ScoreFiles, pooled, read_scores
from fedprotocol.chain.errors import ChainUnreachable
from fedprotocol.config import ConfigError
from fedprotocol.program import tokens
from fedprotocol.program.logs import without_secrets
from fedprotocol.program.outgoing import NetworkSetting
from support.every_server import Everything
from support.hostile_server import Hostile

CLINIC, BANK = "0x" + "1" * 40, "0x" + "2" * 40
COORDINATOR = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
ROOT, OTHER = bytes(range(32)), bytes(32)


def given(tmp_path: Path, **changed: Any) -> Given:
    usual: dict[str, Any] = {"coordinator": COORDINATOR, "chain_id": 5, "rpc": ["http://127.0.0.1:9"]}
    return Given(**{**usual, "home": tmp_path / "cache", **changed})


# ------------------------------------------------------------------- names


def names_in(tmp_path: Path, text: str | bytes) -> dict[str, str]:
    path = tmp_path / "names.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_names(path)


def test_names_are_read(tmp_path: Path) -> None:
    found = names_in(tmp_path, f'{CLINIC} = "clinic"\n"{BANK}" = " Bank of Łódź "\n# a comment\n')
    assert found == {CLINIC: "clinic", BANK: "Bank of Łódź"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("clinic", "not valid TOML"),
        (f'"{CLINIC}" = 5', "must be text in quotes"),
        (f'"{CLINIC}" = ""', "1 to 60 characters"),
        (f'"{CLINIC}" = "{61 * "a"}"', "1 to 60 characters"),
        (f'"{CLINIC}" = "a\\nb"', "no line breaks"),
        (f'"{CLINIC}" = "a\\u202eb"', "nobody sees"),
        (f'"{CLINIC}" = "a\\u0000b"', "nobody sees"),
        ('"0x12" = "short"', "0x12: must be an Ethereum address"),
        ('"clinic" = "0x12"', "clinic: must be an Ethereum address"),
        ('"\\u001b[2J" = "a"', r"\\x1b\[2J: must be"),
        (f'"{COORDINATOR.replace("F", "f")}" = "a"', "wrong checksum"),
        (f'"{COORDINATOR}" = "a"\n"{COORDINATOR.lower()}" = "b"', "named twice"),
        ("[names]\na = 1", "names: must be an Ethereum address"),
        ("a = 1".encode("utf-16"), "UTF-16"),
        (b"\xff", "is not UTF-8"),
        ((1 << 20) * "#" + "\n", "larger than 1 MiB"),
    ],
)
def test_a_names_file_that_is_wrong_is_said_with_the_place(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as error:
        names_in(tmp_path, text)
    assert str(error.value).startswith(f"the names file {tmp_path}/names.toml")
    assert str(error.value).isprintable()


def test_a_names_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_names(tmp_path / "names.toml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read_names(tmp_path)


# ------------------------------------------------------------------ scores


def line(number: int, loss: float, **more: Any) -> str:
    return json.dumps({"round": number, "loss": loss, **more}) + "\n"


def test_scores_of_a_node_are_read_and_pooled_by_items(tmp_path: Path) -> None:
    """The lines are those that `fednode` writes."""
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    root = "0x" + ROOT.hex()
    one.write_text(
        line(0, 4.0, accuracy=0.5, items=10, global_root="0x" + OTHER.hex(), prior_root=None, by_domain={"a": {}})
        + line(1, 1.0, accuracy=1.0, items=30, global_root=root.upper().replace("0X", "0x"))
    )
    two.write_text(line(1, 2.0, accuracy=0.0, items=10, global_root=root) + "\n" + line(2, 0.5))
    files = ScoreFiles([one, two])
    files.check()
    found = pooled(files.measured(), {0: OTHER, 1: ROOT})
    assert list(found) == [0, 1] and found[0].loss == 4.0 and found[0].items == 10
    assert found[1].loss == pytest.approx(1.25) and found[1].accuracy == pytest.approx(0.75) and found[1].items == 40


def test_a_score_of_another_global_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    path.write_text(line(1, 1.0, global_root="0x" + OTHER.hex()) + line(2, 1.0) + line(3, 1.0))
    found = pooled(read_scores(path), {1: ROOT, 2: ROOT})
    assert list(found) == [2] and found[2].accuracy is None


def test_accuracy_is_known_only_where_all_of_it_is(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    path.write_text(line(1, 1.0, accuracy=0.5, items=3) + line(1, 1.0, accuracy=None, items=3))
    assert pooled(read_scores(path), {1: ROOT})[1].accuracy is None


def test_a_file_that_grows_is_read_again_and_one_that_breaks_counts_as_it_was(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "scores.jsonl"
    files = ScoreFiles([path])
    files.check()  # it may be written later
    assert files.measured() == []
    path.write_text(line(1, 1.0))
    assert [entry.round for entry in files.measured()] == [1]
    path.write_text(line(1, 1.0) + line(2, 1.0))
    assert [entry.round for entry in files.measured()] == [1, 2]
    path.write_text(line(1, 1.0) + "{")
    assert [entry.round for entry in files.measured()] == [1, 2]
    assert [entry.round for entry in files.measured()] == [1, 2]
    assert len(caplog.records) == 1 and "line 2" in caplog.text
    path.unlink()
    assert [entry.round for entry in files.measured()] == [1, 2]


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[]",
        '{"round": -1, "loss": 1}',
        '{"round": 1}',
        '{"round": 1, "loss": NaN}',
        '{"round": 1, "loss": -1}',
        '{"round": 1, "loss": 1, "accuracy": 2}',
        '{"round": 1, "loss": 1, "items": 0}',
        '{"round": 1, "loss": 1, "global_root": "0x12"}',
    ],
)
def test_a_scores_file_that_is_wrong_is_said_with_the_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "scores.jsonl"
    path.write_text(line(1, 1.0) + text)
    with pytest.raises(ConfigError, match=f"the scores file {path}, line 2: "):
        ScoreFiles([path]).check()


# ---------------------------------------------------------------- settings


def test_settings_of_a_command_line(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    found = settings_of(given(tmp_path, stores=[f"dir:{store}", "https://gateway.example"], title=" Four domains "))
    assert found.chain.coordinator == COORDINATOR and found.chain.chain_id == 5
    assert found.home == tmp_path / "cache" / f"5-{COORDINATOR.lower()}"
    assert found.store is not None and found.store.url == f"dir:{store}"
    assert found.store.peers == ("https://gateway.example",)
    assert found.shown.title == "Four domains"
    assert settings_of(given(tmp_path, cache=0.5)).cache == found.cache // 4 == 1 << 29


def test_without_a_store_content_is_not_there(tmp_path: Path) -> None:
    assert settings_of(given(tmp_path, find_peers=False)).store is None
    found = settings_of(given(tmp_path)).store
    assert found is not None and found.peers == () and found.find_peers


def test_a_kubo_daemon_is_asked_itself(tmp_path: Path) -> None:
    places = ["https://gateway.example", "kubo:http://127.0.0.1:5001"]
    found = settings_of(given(tmp_path, stores=places)).store
    assert found is not None and found.url == places[1] and found.peers == (places[0],)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"coordinator": None}, "^which federation"),
        ({"rpc": []}, "^give the URL of an Ethereum node with --rpc"),
        ({"rpc": ["localhost:8545"]}, "^--rpc must be an http"),
        ({"rpc": ["http://127.0.0.1:9", "ws://a"]}, "^--rpc, number 2 of them, must be an http"),
        ({"coordinator": "0x12"}, "^--coordinator must be an Ethereum address"),
        ({"coordinator": COORDINATOR.replace("F", "f")}, "^--coordinator has a wrong checksum"),
        ({"chain_id": -1}, "^--chain-id must be"),
        ({"title": "a\nb"}, "^--title must have at most"),
        ({"title": 61 * "a"}, "^--title must have at most"),
        ({"stores": ["dir:no/such/folder"]}, "no such folder"),
        ({"stores": ["ftp://a"]}, "no place to read content from.*dir:FOLDER"),
        ({"stores": ["kubo:nowhere"]}, "^--store 'kubo:nowhere' must be"),
        ({"stores": ["kubo:http://127.0.0.1:1", "kubo:http://127.0.0.1:2"]}, "two Kubo daemons"),
        ({"tokens": ["https://node.example"]}, "^--token wants a server and a file"),
        ({"tokens": ["https://node.example="]}, "^--token wants a server and a file"),
        ({"tokens": ["http://node.example=a"]}, "^--token: http://node.example: a token goes over https:// alone"),
        ({"tokens": ["https://node.example/path=a"]}, "^--token: .*scheme, host and port"),
        ({"names": Path("no/such/file")}, "^the names file no/such/file cannot be read"),
        ({"invitation": "no/such/file", "coordinator": None, "chain_id": None}, "^the invitation no/such/file cannot"),
    ],
)
def test_what_cannot_be_used_is_said_with_the_option(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    with pytest.raises(Exception, match=said) as error:
        settings_of(given(tmp_path, **changed))
    assert type(error.value).__name__ in ("ConfigError", "InvitationError")


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(ConfigError, match=r"nothing can be written at .*Choose another folder .* with --home"):
        settings_of(given(tmp_path))


def test_the_usual_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert settings_of(given(tmp_path, home=None)).home.parent == tmp_path / "fedexplorer"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # to be ignored, by the specification
    monkeypatch.setenv("HOME", str(tmp_path))
    assert settings_of(given(tmp_path, home=None)).home.parent == tmp_path / ".cache" / "fedexplorer"
    assert not os.path.exists("relative")  # noqa: PTH110


def test_a_key_in_a_url_is_hidden_wherever_it_is_said(tmp_path: Path) -> None:
    key = "rpc/v2/long-secret-key-of-the-endpoint"
    settings_of(given(tmp_path, rpc=[f"https://node.example/{key}"]))
    assert key not in without_secrets(f"https://node.example/{key} does not answer")
    with pytest.raises(ConfigError) as error:
        settings_of(given(tmp_path, rpc=["http://127.0.0.1:9", f"wss://node.example/{key}x"]))
    assert key not in str(error.value)


def test_a_server_is_shown_its_token_from_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_files", {})
    file = tmp_path / "token=1.txt"
    file.touch(mode=0o600)
    file.write_text("of-the-hospital\n")
    seen: list[str | None] = []

    class Closed(Everything):
        def status(self) -> int:
            seen.append(self.headers.get("Authorization"))
            return 200

    with ThreadingHTTPServer(("127.0.0.1", 0), Closed) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        found = settings_of(given(tmp_path, chain_id=None, rpc=[url], tokens=[f"{url}={file}"]))
        server.shutdown()
    assert found.chain.chain_id == 5 and set(seen) == {"Bearer of-the-hospital"}
    file.chmod(0o644)
    with pytest.raises(NetworkSetting, match=r"others may read .*chmod 600"):
        settings_of(given(tmp_path, tokens=[f"{url}={file}"]))


def test_the_chain_is_asked_which_it_is(tmp_path: Path) -> None:
    def answers(client: Any) -> None:
        body = b'{"jsonrpc": "2.0", "id": 1, "result": "0x7a69"}'
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))

    with Hostile(answers) as node:
        found = settings_of(given(tmp_path, chain_id=None, rpc=["http://127.0.0.1:9", node.url]))
    assert found.chain.chain_id == 31337 and found.chain.confirmations == 0


@pytest.mark.parametrize(
    "body", [b"{}", b'{"result": "0x"}', b'{"result": "0x0"}', b'{"error": {"message": "no"}}', b"<"]
)
def test_a_node_that_does_not_say_which_chain_it_is(tmp_path: Path, body: bytes) -> None:
    def answers(client: Any) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))

    with Hostile(answers) as node, pytest.raises(ChainUnreachable, match=r"--chain-id") as error:
        settings_of(given(tmp_path, chain_id=None, rpc=[node.url + "/secret-path-of-it"]))
    assert "secret-path" not in str(error.value)
