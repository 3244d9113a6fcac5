"""The images and the compose file of a site: what can be checked of them without a container engine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from fedprotocol.chain.account.keys import FILE_VARIABLE
from support.command_lines import wrong
from support.documents import ROOT

FOLDER = ROOT / "packaging/containers"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
STAGES = dict(
    re.findall(r"^FROM \S+ AS (\w+)\n(.*?)(?=^FROM|\Z)", (FOLDER / "Dockerfile").read_text(), re.MULTILINE | re.DOTALL)
)
HADOLINT = Path(sys.executable).with_name("hadolint")


@pytest.mark.process
def test_hadolint_has_nothing_to_say_of_the_images(tmp_path: Path) -> None:
    done = subprocess.run([HADOLINT, FOLDER / "Dockerfile"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")
    careless = tmp_path / "Dockerfile"
    careless.write_text("FROM python:latest\nRUN pip install torch\n")
    assert subprocess.run([HADOLINT, careless], capture_output=True, timeout=60).returncode == 1


def test_everything_that_goes_into_an_image_is_there_and_nothing_else_is_sent() -> None:
    everything, *let_in = (FOLDER / "Dockerfile.dockerignore").read_text().splitlines()[1:]
    assert everything == "*"
    sent = {line.removeprefix("!") for line in let_in if line.startswith("!")}
    assert all((ROOT / name).exists() for name in sent)
    assert {"deployments", "runs", "all_losses", "lab", ".git"}.isdisjoint(sent)
    links = [path for name in sent for path in (ROOT / name).rglob("*") if path.is_symlink()]
    assert [path for path in links if path.resolve().relative_to(ROOT).parts[0] not in sent] == []


def test_each_service_runs_what_there_is_without_privileges() -> None:
    for name, service in SERVICES.items():
        assert service.get("healthcheck", {}).get("test"), name
        assert not service.get("privileged"), name
        if "build" not in service:
            assert re.fullmatch(r"[\w./-]+:v?\d[\w.]+", service["image"]), f"{name}: a version, and not the latest"
            continue
        stage = STAGES[service["build"]["target"]]
        assert re.search(r"^USER \d+:\d+$", stage, re.MULTILINE), "not root"
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        [program] = service.get("entrypoint") or re.findall(r'ENTRYPOINT \["(\w+)"\]', stage)
        words = service.get("command") or re.findall(r'CMD \["(\w+)"\]', stage)
        assert not wrong([program, *words]), name
        assert (FOLDER / service["build"]["context"]).resolve() == ROOT


def test_what_is_mounted_and_opened_is_known() -> None:
    here, named = FOLDER.resolve(), set(COMPOSE["volumes"])
    for name, service in SERVICES.items():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            made_by_the_operator = source == "./site"
            assert source in named or made_by_the_operator or (here / source).exists(), f"{name}: {source}"
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:") or name == "kubo", f"{name} is open to everybody at {port}"
    assert SERVICES["node"]["environment"] == {FILE_VARIABLE: "/run/secrets/fed-password"}
    assert SERVICES["node"]["secrets"] == list(COMPOSE["secrets"]) == ["fed-password"]


def test_prometheus_and_the_health_check_ask_where_the_node_answers() -> None:
    config = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())
    [target] = config["scrape_configs"][0]["static_configs"][0]["targets"]
    assert SERVICES["prometheus"]["network_mode"] == "service:node", "figures are for the node's own machine alone"
    assert f"http://{target}/health" in SERVICES["node"]["healthcheck"]["test"][-1]
    assert f"port = {target.rpartition(':')[2]}" in (ROOT / "docs/installing.md").read_text()
    [source] = yaml.safe_load((FOLDER / "grafana/datasources/prometheus.yaml").read_text())["datasources"]
    assert source["url"] == "http://node:9090"
