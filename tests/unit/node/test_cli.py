"""The `fednode` program without a chain: help, errors, files."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import fedaggregator
import fednode as fednode_package
import fedprotocol
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fedprotocol.chain.account import keys
from support import programs
from support.sites import BIN, environment
from support.specs import small_spec

ROOT = Path(__file__).parents[3]
MODULES_HELP_MUST_NOT_NEED = ("torch", "transformers", "peft", "datasets", "web3", "numpy", "pydantic")


def fednode(*arguments: str, cwd: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    return programs.run(["fednode", *arguments], cwd, {**environment(), **extra})


def from_its_file(*arguments: str, cwd: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    """With nothing loaded before."""
    return subprocess.run(
        [str(BIN / "fednode"), *arguments],
        cwd=cwd,
        env={**environment(), **extra},
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def init(folder: Path, **changes: str) -> Path:
    values = {"--coordinator": "0x" + 40 * "1", "--chain-id": "5", "--rpc": "http://127.0.0.1:9", **changes}
    done = fednode("init", *[part for pair in values.items() for part in pair], cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "fednode.toml"


@pytest.mark.process
def test_help_names_every_command(tmp_path: Path) -> None:
    done = from_its_file("--help", cwd=tmp_path)
    assert done.returncode == 0
    for command in (
        *("spec", "init", "account", "doctor", "data", "join", "run", "status", "rounds", "evaluate", "generate"),
        *("export", "push", "audit", "claim", "exit"),
    ):
        assert f" {command} " in done.stdout, command


@pytest.mark.process
def test_the_version_is_that_of_the_repository(tmp_path: Path) -> None:
    version = (ROOT / "VERSION").read_text().strip()
    assert from_its_file("--version", cwd=tmp_path).stdout == f"fednode {version}\n"
    for package in (fedprotocol, fedaggregator, fednode_package):
        assert package.__version__ == version, f"{package.__name__}: install it anew (make setup)"
        assert f"## {version} " in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.process
def test_help_is_quick_because_nothing_heavy_is_imported(tmp_path: Path) -> None:
    """The imports are what takes long; the processor's time, so that a busy machine does not fail it."""
    script = "import sys, fednode.cli.app; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not set(MODULES_HELP_MUST_NOT_NEED) & set(loaded)
    before = os.times()
    from_its_file("--help", cwd=tmp_path)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    assert used < 2.0, f"--help took {used:.2f} s of the processor"


@pytest.mark.process
@pytest.mark.parametrize("command", [["run"], ["status"]])
def test_no_config_file_is_one_line_that_says_what_to_do(command: list[str], tmp_path: Path) -> None:
    done = fednode(*command, cwd=tmp_path)
    assert done.returncode == (78 if command[0] == "run" else 1)  # a service that only a person can help
    assert done.stderr.startswith("error: there is no config file fednode.toml")
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


@pytest.mark.process
def test_init_writes_a_config_and_does_not_replace_one(tmp_path: Path) -> None:
    path = init(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600, "an RPC URL may hold a key"
    before = path.read_text()
    again = fednode("init", "--coordinator", "0x" + 40 * "2", "--chain-id", "5", "--rpc", "http://x", cwd=tmp_path)
    assert again.returncode == 1
    assert "not overwritten" in again.stderr
    assert path.read_text() == before


@pytest.mark.process
def test_init_refuses_what_cannot_work_and_leaves_nothing(tmp_path: Path) -> None:
    done = fednode("init", "--coordinator", "0x12", "--chain-id", "5", "--rpc", "http://127.0.0.1:9", cwd=tmp_path)
    assert done.returncode == 1
    assert "chain.coordinator" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.process
def test_account_new_and_show(tmp_path: Path) -> None:
    init(tmp_path)
    made = fednode("account", "new", cwd=tmp_path, FEDNODE_PASSWORD="a long enough password")
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "key.json").stat().st_mode & 0o077 == 0
    shown = fednode("account", "show", cwd=tmp_path)
    assert shown.stdout == made.stdout
    again = fednode("account", "new", cwd=tmp_path, FEDNODE_PASSWORD="a long enough password")
    assert again.returncode == 1
    assert "not overwritten" in again.stderr


@pytest.mark.process
def test_an_unreachable_chain_is_named(tmp_path: Path) -> None:
    init(tmp_path)
    done = fednode("rounds", cwd=tmp_path)
    assert done.returncode == 1
    assert "no RPC endpoint answers" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.process
def test_status_before_the_first_run(tmp_path: Path) -> None:
    init(tmp_path)
    done = fednode("status", cwd=tmp_path)
    assert done.returncode == 1
    assert "fednode run" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.process
def test_data_check_names_rows_and_exits_with_1(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.jsonl", tmp_path / "bad.csv"
    good.write_text('{"prompt": "a", "completion": " b"}\n')
    bad.write_text("prompt,completion\na,\n")
    fine = fednode("data", "check", str(good), cwd=tmp_path)
    assert fine.returncode == 0, fine.stderr
    assert (
        "1 usable row\n" in fine.stdout and "not checked, because the federation's spec is not at hand" in fine.stdout
    )
    chat = tmp_path / "chat.parquet"
    pq.write_table(pa.table({"messages": [[{"role": "user", "content": "x"}]]}), chat)
    done = fednode("data", "check", str(good), str(bad), str(chat), cwd=tmp_path)
    assert done.returncode == 1
    assert "line 2: completion is empty" in done.stdout
    assert "row 1: messages end with the role user" in done.stdout


@pytest.mark.process
def test_data_are_converted_and_checked_against_a_spec(tmp_path: Path) -> None:
    prompt, classes = {"template": "{prompt}:", "join": " "}, {"classes": ["no", "yes"]}
    (tmp_path / "spec.json").write_bytes(small_spec(prompt=prompt, evaluation=classes))
    (tmp_path / "d.csv").write_bytes("text;label\ncafé;0\nthé;1\n".encode("cp1252"))
    named = ("--prompt", "text", "--completion", "label")
    wrong = fednode("data", "check", "d.csv", *named, cwd=tmp_path)
    assert wrong.returncode == 1 and "fednode data convert d.csv d-utf8.jsonl --encoding cp1252" in wrong.stdout
    said = fednode("data", "check", "d.csv", *named, "--encoding", "cp1252", cwd=tmp_path)
    assert said.returncode == 0 and "d.csv: 2 usable rows" in said.stdout
    into = ("data", "convert", "d.csv", "d.jsonl", "--encoding", "cp1252", *named)
    assert "wrote d.jsonl: 2 rows" in fednode(*into, cwd=tmp_path).stdout
    off = fednode("data", "check", "d.jsonl", "--spec", ".", cwd=tmp_path)
    assert off.returncode == 1 and "2 answers are none of the spec's classes" in off.stdout
    (tmp_path / "d.jsonl").unlink()
    assert fednode(*into, "--label", "0=no", "--label", "1= yes", cwd=tmp_path).returncode == 0
    fine = fednode("data", "check", "d.jsonl", "--spec", "spec.json", cwd=tmp_path)
    assert fine.returncode == 0 and "classes: 'no' 1, 'yes' 1" in fine.stdout
    for option, said in (("--label=0", "such as --label 0=no"), ("--spec=none", "none cannot be read")):
        refused = fednode("data", "check", "d.jsonl", option, cwd=tmp_path)
        assert refused.returncode == 1 and said in refused.stderr


@pytest.mark.process
def test_doctor_says_what_depends_on_what(tmp_path: Path) -> None:
    init(tmp_path)
    keys.create(tmp_path / "key.json", "a long enough password", iterations=1024)
    (tmp_path / "train.jsonl").write_text('{"prompt": "a", "completion": " b"}\n')
    done = fednode("doctor", "--json", cwd=tmp_path, FEDNODE_PASSWORD="a long enough password")
    assert done.returncode == 1
    found = {check["name"]: check for check in json.loads(done.stdout)}
    assert found["chain"]["ok"] is False
    assert found["account"]["ok"] is True
    assert found["store"]["ok"] is True
    assert found["data"]["ok"] is True
    assert found["funds"]["ok"] is None
    assert found["funds"]["detail"] == "needs: chain"
    assert found["model"]["ok"] is None


@pytest.mark.process
def test_spec_new_refuses_nonsense_before_it_loads_anything(tmp_path: Path) -> None:
    started = time.monotonic()
    arguments = ["--name", "x", "--base-model", "x", "--template", "no place", "--rounds", "0", "--max-norm", "-1"]
    done = from_its_file("spec", "new", *arguments, cwd=tmp_path)
    assert done.returncode == 1
    for option in ("--template: must contain {prompt}", "--rounds: ", "--max-norm: "):
        assert option in done.stderr
    assert "Traceback" not in done.stderr
    assert time.monotonic() - started < 30
    assert list(tmp_path.iterdir()) == []
