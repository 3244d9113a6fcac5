"""Every library's border: what nobody has named there leaves as an error of ours, in a line."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from fedprotocol.car import MemoryLeaves
from fedprotocol.chain.account import keys
from fedprotocol.chain.account.keys import KeystoreError, PasswordError
from fedprotocol.chain.account.remote_signer import RemoteSigner
from fedprotocol.chain.endpoint.http import Endpoint, NoAnswer
from fedprotocol.chain.errors import SignerError
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.chain.read.event_table import EventIndexError
from fedprotocol.config import ConfigError, Section, load_config
from fedprotocol.deployment.record import DeploymentError, load_deployment
from fedprotocol.files.text import read_text
from fedprotocol.foreign_errors import in_a_line, told_as
from fedprotocol.journal import Journal, JournalError
from fedprotocol.monitor.health import Health
from fedprotocol.monitor.server import PortTaken, serve
from fedprotocol.monitor.store_watch import _look
from fedprotocol.program.status import DaemonStatus, StatusError, read_status
from fedprotocol.spec import SpecError, load_spec
from fedprotocol.store.base import StoreError, Unavailable
from fedprotocol.store.deadline import Deadline
from fedprotocol.store.directory import DirectoryStore
from fedprotocol.store.gateway import Gateway
from fedprotocol.store.kubo import KuboStore
from fedprotocol.store.source import SourceFailed
from fedprotocol.urls import http_url
from support.ports import free_port

URL = "http://127.0.0.1:9"
LEAVES = MemoryLeaves([bytes([i]) * 32 for i in range(2)])
PASSWORD = "long enough"
NO_CHAIN: Any = Mock()


class Unknown(Exception):
    """Of a library's next version."""


def throw(*_: object, **__: object) -> Any:
    raise Unknown("something that\nnobody has foreseen")


def journal(folder: Path) -> Journal:
    kept = Journal(folder / "journal.sqlite")
    kept.note("a", 1)
    return kept


Prepared = Callable[[Path], Callable[[], object]]
BORDERS: list[tuple[str, str, Prepared, type[Exception]]] = [
    ("requests", "requests.Session.post", lambda _: lambda: Endpoint(URL).post(b"", 9, 1.0), NoAnswer),
    ("urllib3", "requests.adapters.HTTPAdapter.send", lambda _: lambda: Endpoint(URL).post(b"", 9, 1.0), NoAnswer),
    (
        "web3",
        "requests.Session.post",
        lambda _: lambda: RemoteSigner.connect(URL, "0x" + 40 * "1"),
        SignerError,
    ),
    ("aiohttp", "aiohttp.ClientSession.get", lambda _: lambda: Gateway(URL).check(Deadline(5.0)), SourceFailed),
    ("aiohttp's end", "aiohttp.ClientSession.close", lambda _: lambda: Gateway(URL).check(Deadline(5.0)), SourceFailed),
    ("ipfs", "ipfshttpclient.Client.version", lambda to: KuboStore(URL, DirectoryStore(to)).reachable, Unavailable),
    ("ipfs at first", "ipfshttpclient.Client", lambda to: lambda: KuboStore(URL, DirectoryStore(to)), StoreError),
    ("os, putting", "os.fsync", lambda to: lambda: DirectoryStore(to).put(LEAVES), Unavailable),
    ("os, looking", "shutil.disk_usage", lambda to: DirectoryStore(to).check, Unavailable),
    ("sqlite", "sqlite3.connect", lambda to: lambda: journal(to), JournalError),
    ("sqlite's JSON", "json.loads", lambda to: partial(journal(to).recall, "a"), JournalError),
    (
        "sqlite, events",
        "fedprotocol.chain.read.event_table.connect",
        lambda to: lambda: list(EventIndex(NO_CHAIN, to / "events").logs((), 1, "0x")),
        EventIndexError,
    ),
    ("tomllib", "tomllib.loads", lambda to: lambda: load_config(written(to, ""), Section), ConfigError),
    (
        "pydantic",
        "pydantic.BaseModel.model_validate",
        lambda to: lambda: load_config(written(to, ""), Section),
        ConfigError,
    ),
    ("files", "pathlib.Path.read_bytes", lambda to: lambda: load_config(written(to, ""), Section), ConfigError),
    ("pydantic's JSON", "fedprotocol.spec.written.from_json", lambda _: lambda: load_spec(b"{}"), SpecError),
    (
        "a status",
        "pydantic.BaseModel.model_validate_json",
        lambda to: lambda: read_status(written(to), DaemonStatus),
        StatusError,
    ),
    (
        "a deployment",
        "pydantic.BaseModel.model_validate_json",
        lambda to: lambda: load_deployment(written(to, name="5.json").parent, 5),
        DeploymentError,
    ),
    ("encrypting", "eth_account.Account.encrypt", lambda to: lambda: keys.create(to / "key", PASSWORD), KeystoreError),
    ("a keystore", "json.loads", lambda to: lambda: keys.address_of(written(to)), KeystoreError),
    ("decrypting", "eth_account.Account.decrypt", lambda to: lambda: keys.load(keystore(to), PASSWORD), KeystoreError),
    (
        "a server",
        "fedprotocol.monitor.server.make_server",
        lambda _: lambda: serve(1, Health(1.0)).__enter__(),
        PortTaken,
    ),
]


def written(folder: Path, text: str = "{}", name: str = "file") -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(0o600)
    return path


def keystore(folder: Path) -> Path:
    return written(folder, '{"crypto": {}}')


@pytest.mark.parametrize(
    ("target", "prepared", "kind"), [case[1:] for case in BORDERS], ids=[case[0] for case in BORDERS]
)
def test_an_unknown_error_becomes_ours(
    target: str, prepared: Prepared, kind: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = prepared(tmp_path)
    monkeypatch.setattr("fedprotocol.chain.endpoint.http.PAUSES", ())
    monkeypatch.setattr(target, throw)
    with pytest.raises(kind) as ours:
        call()
    assert "\n" not in str(ours.value)
    assert "Unknown" in str(ours.value) or "nobody has foreseen" in str(ours.value)


def test_figures_that_cannot_be_shown_end_nothing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("fedprotocol.monitor.server.make_wsgi_app", lambda: throw)
    port = free_port()
    with serve(port, Health(1.0)):
        with pytest.raises(urllib.error.HTTPError, match="500"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10)
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/else", timeout=10)
    assert "Traceback" not in capfd.readouterr().err


def test_a_store_with_an_unknown_error_is_looked_at_again() -> None:
    class Store:
        reachable = throw

    health = Health(1.0)
    _look(Store(), health)  # type: ignore[arg-type]
    assert "nobody has foreseen" in health.report().why[0]


def test_what_ends_a_program_passes() -> None:
    for kind in (KeyboardInterrupt, SystemExit):
        with pytest.raises(kind), told_as(ConfigError, "the file"):
            raise kind
    assert in_a_line(OSError(2, "No such file or directory", "/a")) == "No such file or directory: /a"
    assert in_a_line(ValueError()) == "ValueError"


@pytest.mark.parametrize("text", ["ä", "\ufeffä"])
def test_text_with_and_without_a_byte_order_mark(text: str, tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text(text, encoding="utf-8")
    assert read_text(path) == "ä"
    with pytest.raises(PasswordError, match="UTF-16"):
        keys.read_password(written(tmp_path, "x\0\n"))


@pytest.mark.parametrize(
    "url", ["http://a:1", "https://a.example./x?y", "http://[::1]:1", " http://user:pass@1.2.3.4 "]
)
def test_urls_that_can_be_asked(url: str) -> None:
    assert http_url(url) == url.strip()
