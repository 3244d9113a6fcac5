"""The demo's processes: they log, they end, and none is left over, whatever happens to the demo."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from fedlab.demo.anvil import AnvilMissing, find_anvil, start_anvil
from fedlab.demo.supervisor import ProcessFailed, Supervisor

ROOT = Path(__file__).resolve().parents[3]
ENV = {"PATH": os.environ["PATH"]}
# A child that starts a grandchild, tells both ids, and (with an argument) ignores SIGTERM.
FAMILY = """
import os, signal, subprocess, sys, time
if len(sys.argv) > 1:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
print(os.getpid(), grandchild.pid, flush=True)
time.sleep(300)
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def family(supervisor: Supervisor, name: str, cwd: Path, *arguments: str) -> list[int]:
    process = supervisor.start(name, [sys.executable, "-c", FAMILY, *arguments], ENV, cwd)
    assert until(lambda: len(process.log.read_text().split()) == 2)
    return [int(word) for word in process.log.read_text().split()]


def test_leaving_stops_all_it_started_and_only_that(tmp_path: Path) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    try:
        with Supervisor(tmp_path / "logs") as supervisor:
            pids = family(supervisor, "a", tmp_path) + family(supervisor, "b", tmp_path)
            assert all(alive(pid) for pid in pids)
            supervisor.check()
            assert supervisor.processes["a"].peak_memory > 1 << 20
        assert until(lambda: not any(alive(pid) for pid in pids))
        assert alive(bystander.pid)
    finally:
        bystander.kill()
        bystander.wait()


def test_what_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fedlab.demo.supervisor.GRACE_SECONDS", 0.3)
    with Supervisor(tmp_path / "logs") as supervisor:
        pids = family(supervisor, "stubborn", tmp_path, "ignore")
    assert until(lambda: not any(alive(pid) for pid in pids))


def test_an_error_in_the_demo_stops_them_too(tmp_path: Path) -> None:
    pids: list[int] = []
    with pytest.raises(RuntimeError), Supervisor(tmp_path / "logs") as supervisor:
        pids += family(supervisor, "a", tmp_path)
        raise RuntimeError
    assert until(lambda: not any(alive(pid) for pid in pids))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_kill_9_of_the_demo_ends_its_children(tmp_path: Path) -> None:
    script = f"""
import sys, time
from pathlib import Path
from fedlab.demo.supervisor import Supervisor
command = [sys.executable, "-c", "import time; time.sleep(300)"]
process = Supervisor(Path({str(tmp_path)!r})).start("a", command, {{}}, Path("/"))
print(process.popen.pid, flush=True)
time.sleep(300)
"""
    demo = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert demo.stdout is not None
    child = int(demo.stdout.readline())
    assert until(
        lambda: Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[1:2] == [b"-c"]
    )  # no longer the starter
    demo.send_signal(signal.SIGKILL)
    demo.wait()
    demo.stdout.close()
    assert until(lambda: not alive(child))


def test_run_gives_output_or_the_last_words(tmp_path: Path) -> None:
    with Supervisor(tmp_path / "logs") as supervisor:
        assert supervisor.run("ok", ["echo", "hello"], ENV, tmp_path, 10) == "hello\n"
        with pytest.raises(ProcessFailed, match=r"(?s)exit status 3.*no such luck"):
            supervisor.run("bad", ["sh", "-c", "echo no such luck; exit 3"], ENV, tmp_path, 10)
        with pytest.raises(ProcessFailed, match="took more than"):
            supervisor.run("slow", ["sleep", "300"], ENV, tmp_path, 0.3)
        with pytest.raises(ProcessFailed, match="cannot be started"):
            supervisor.run("nothing", ["/no/such/program"], ENV, tmp_path, 10)


def test_check_names_the_process_that_failed(tmp_path: Path) -> None:
    with Supervisor(tmp_path / "logs") as supervisor:
        process = supervisor.start("clinic", ["sh", "-c", "echo out of stake; exit 4"], ENV, tmp_path)
        process.popen.wait()
        with pytest.raises(ProcessFailed, match=r"(?s)clinic ended with exit status 4.*out of stake"):
            supervisor.check()


def test_a_name_is_used_once_at_a_time(tmp_path: Path) -> None:
    with Supervisor(tmp_path / "logs") as supervisor:
        supervisor.start("a", ["sleep", "300"], ENV, tmp_path)
        with pytest.raises(ValueError, match="runs already"):
            supervisor.start("a", ["sleep", "300"], ENV, tmp_path)
        supervisor.stop("a")
        supervisor.start("a", ["sleep", "300"], ENV, tmp_path)


def ask(rpc: str, method: str) -> str:
    reply = requests.post(rpc, json={"jsonrpc": "2.0", "id": 1, "method": method, "params": []}, timeout=10)
    return str(reply.json()["result"])


def test_two_anvils_side_by_side(tmp_path: Path) -> None:
    with Supervisor(tmp_path / "one") as first, Supervisor(tmp_path / "two") as second:
        a, b = (
            start_anvil(each, ROOT, tmp_path / f"home{n}", tmp_path / f"{n}.json")
            for n, each in enumerate((first, second))
        )
        assert a.rpc != b.rpc and a.chain_id != b.chain_id
        for chain in (a, b):
            assert int(ask(chain.rpc, "eth_chainId"), 16) == chain.chain_id
        assert until(lambda: int(ask(a.rpc, "eth_blockNumber"), 16) >= 1)
    with pytest.raises(OSError):
        ask(a.rpc, "eth_chainId")


def test_without_anvil_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AnvilMissing, match="make setup"):
        find_anvil(tmp_path)
