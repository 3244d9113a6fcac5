"""The hub is asked by the same rule as everybody else: proxy, certificates, and what an error blames."""

from __future__ import annotations

import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from fedprotocol.program import outgoing
from support.forward_proxy import ForwardProxy
from support.hub import Hub

pytestmark = pytest.mark.model

HOST = "hub.example"  # no such host: only the proxy knows the way
NAME = "somebody/tiny"
ASK = """
import sys
from fedprotocol.program.terminal import run_program

def app():
    from fednode.base_model.hub_client import trust_as_elsewhere
    from fednode.base_model import locate
    if sys.argv[1] == "locate":
        locate("somebody/tiny")
    trust_as_elsewhere()
    from huggingface_hub import HfApi
    print(HfApi().model_info("somebody/tiny").sha)

run_program(app)
"""


def ask(what: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A program of its own: huggingface_hub reads its settings while it is imported."""
    env = {"HF_HUB_DISABLE_XET": "1", **environment}
    return subprocess.run(
        [sys.executable, "-c", ASK, what], env=env, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("variable", outgoing.BUNDLES)
def test_a_companys_authority_and_its_proxy(variable: str, tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "own.pem"
    make = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={HOST}"
    more = f"-addext subjectAltName=DNS:{HOST} -keyout {key} -out {certificate}"
    subprocess.run([*make.split(), *more.split()], check=True, capture_output=True)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate, key)
    hub = Hub(NAME, {"config.json": b"{}"})
    hub._server.socket = served.wrap_socket(hub._server.socket, server_side=True)
    port = int(hub.url.rpartition(":")[2])
    try:
        with ForwardProxy({HOST: ("127.0.0.1", port)}) as proxy:
            where = {"HF_ENDPOINT": f"https://{HOST}", "https_proxy": proxy.url}
            done = ask("info", HOME=str(tmp_path), **where, **{variable: str(certificate)})
            assert done.returncode == 0, done.stderr
            assert f"CONNECT {HOST}" in proxy.seen
    finally:
        hub.close()


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (
            {"HTTPS_PROXY": "http://me:confidential@127.0.0.1:9"},
            "through the proxy http://127.0.0.1:9, which HTTPS_PROXY",
        ),
        ({"REQUESTS_CA_BUNDLE": "/nowhere.pem"}, "REQUESTS_CA_BUNDLE names /nowhere.pem, which cannot be read"),
        ({"HOME": "/dev/null/x", "HTTPS_PROXY": "http://127.0.0.1:9"}, "HF_HOME to a folder that can be written"),
    ],
    ids=["proxy", "certificates", "home"],
)
def test_an_error_blames_the_right_thing(environment: dict[str, str], said: str, tmp_path: Path) -> None:
    done = ask("locate", **{"HOME": str(tmp_path), **environment})
    assert done.returncode == 1
    assert said in done.stderr
    assert "confidential" not in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
