"""Which way connections leave: a proxy and certificates of the environment, for all of them alike or for none."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from fedprotocol.chain.errors import ChainUnreachable, SignerError
from fedprotocol.errors import FedError
from fedprotocol.program import outgoing
from fedprotocol.program.outgoing import NetworkSetting
from fedprotocol.store.base import StoreError
from support.every_server import CONNECTIONS, Everything
from support.forward_proxy import ForwardProxy

HOST = "far.example"  # no such host: only the proxy knows the way


@pytest.fixture(autouse=True)
def _nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", *outgoing.BUNDLES):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr("fedprotocol.chain.endpoint.http.PAUSES", ())
    outgoing.tls.cache_clear()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Everything) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize("name", CONNECTIONS)
@pytest.mark.parametrize("variable", ["http_proxy", "ALL_PROXY"])
def test_a_proxy_is_taken_by_every_connection(
    name: str, variable: str, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ForwardProxy({HOST: ("127.0.0.1", port)}, secret="me:pass") as proxy:
        monkeypatch.setenv(variable, proxy.url)
        CONNECTIONS[name](f"http://{HOST}:8545", tmp_path)
        assert proxy.seen
        proxy.seen.clear()
        monkeypatch.setenv("NO_PROXY", f"other.example,{HOST}")
        with pytest.raises(FedError) as gone:
            CONNECTIONS[name](f"http://{HOST}:8545", tmp_path)
        assert not proxy.seen
        assert "proxy" not in str(gone.value).lower()


@pytest.mark.parametrize("name", CONNECTIONS)
def test_what_is_on_this_machine_is_asked_directly(
    name: str, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ForwardProxy({}) as proxy:
        for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(variable, proxy.url)
        for host in ("127.0.0.1", "localhost"):
            CONNECTIONS[name](f"http://{host}:{port}", tmp_path)
        assert not proxy.seen


@pytest.mark.parametrize("name", CONNECTIONS)
def test_an_error_names_the_proxy_and_not_its_password(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for scheme in ("http", "https"):
        monkeypatch.setenv("ALL_PROXY", "http://me:confidential@127.0.0.1:9")  # nobody listens there
        with pytest.raises((ChainUnreachable, SignerError, StoreError)) as failed:
            CONNECTIONS[name](f"{scheme}://{HOST}:8545", tmp_path)
        assert "through the proxy http://127.0.0.1:9, which ALL_PROXY names" in str(failed.value)
        assert "confidential" not in str(failed.value)


@pytest.mark.parametrize("name", CONNECTIONS)
@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:9", "ALL_PROXY names a proxy of the kind socks5://"),
        ("https_proxy", "http://127.0.0.1:99999", "https_proxy is no URL of a proxy"),
        ("HTTPS_PROXY", "://", "HTTPS_PROXY is no URL of a proxy"),
        ("REQUESTS_CA_BUNDLE", "/nowhere.pem", "REQUESTS_CA_BUNDLE names /nowhere.pem, which cannot be read"),
        ("SSL_CERT_FILE", "/etc/hostname", "SSL_CERT_FILE names /etc/hostname, which holds no certificates"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(
    name: str, variable: str, value: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(NetworkSetting, match=said):
        CONNECTIONS[name](f"https://{HOST}:8545", tmp_path)


@pytest.mark.process
def test_certificates_of_the_environment_count_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A company's own authority, and a proxy in between: every kind of connection believes it, by any variable."""
    key, certificate = tmp_path / "key.pem", tmp_path / "own.pem"
    make = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={HOST}"
    more = f"-addext subjectAltName=DNS:{HOST} -keyout {key} -out {certificate}"
    subprocess.run([*make.split(), *more.split()], check=True, capture_output=True)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate, key)
    with ThreadingHTTPServer(("127.0.0.1", 0), Everything) as server:
        server.socket = served.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        with ForwardProxy({HOST: ("127.0.0.1", server.server_port)}) as proxy:
            monkeypatch.setenv("https_proxy", proxy.url)
            for name, connect in CONNECTIONS.items():
                outgoing.tls.cache_clear()
                with pytest.raises(FedError):
                    connect(f"https://{HOST}", tmp_path)
                for variable in outgoing.BUNDLES:
                    outgoing.tls.cache_clear()
                    monkeypatch.setenv(variable, str(certificate))
                    connect(f"https://{HOST}", tmp_path)
                    monkeypatch.delenv(variable)
                assert f"CONNECT {HOST}" in proxy.seen, name
                proxy.seen.clear()
        server.shutdown()
    outgoing.tls.cache_clear()
