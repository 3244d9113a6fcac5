"""Starts a Kubo daemon on loopback and free ports, for the demo and the tests. It is not for a real federation."""

import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import URLError
from urllib.request import Request, urlopen

from fedprotocol.program import end_with_parent, environment
from fedprotocol.store.base import Unavailable

_READY_SECONDS = 60.0
_STOP_SECONDS = 10.0


class KuboDaemon:
    """`ipfs daemon` with the repository `repo`, as a context manager. It only knows the daemons that it is told to
    connect to. Keys and blocks stay in `repo`, so a daemon that is started there again is the same peer. On Linux it
    ends with the thread that started it, so a program that is killed leaves no daemon behind.
    """

    def __init__(self, binary: Path, repo: Path, offline: bool = False, port: int = 0) -> None:
        """`port`: the port on which other daemons reach it; 0 takes a free port, a different one with every start."""
        self.repo = repo
        self._binary = binary
        self._offline = offline
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The RPC as a URL, `http://127.0.0.1:port`; the daemon must be running."""
        _, _, host, _, port = (self.repo / "api").read_text().strip().split("/")
        return f"http://{host}:{port}"

    @property
    def gateway(self) -> str:
        """Its HTTP gateway, `http://127.0.0.1:port`; the daemon must be running."""
        return (self.repo / "gateway").read_text().strip().rstrip("/")

    @property
    def pid(self) -> int | None:
        """The daemon's process id, None while it does not run."""
        return self._process.pid if self._process else None

    def start(self) -> Self:
        """Initialise the repository if it is new, start the daemon, wait until its RPC answers. Raises Unavailable."""
        if not os.access(self._binary, os.X_OK):
            raise Unavailable(f"there is no Kubo at {self._binary}; build it with `make kubo` (needs Go)")
        if not (self.repo / "config").exists():
            self.repo.mkdir(parents=True, exist_ok=True)
            # Profile `test`: loopback and free ports, no bootstrap peers, no discovery on the local network.
            self._ipfs("init", "--profile", "test", "--empty-repo")
            self._ipfs("config", "Routing.Type", "none")
            self._ipfs("config", "--json", "Addresses.Swarm", f'["/ip4/127.0.0.1/tcp/{self._port}"]')
        for name in ("api", "gateway"):
            (self.repo / name).unlink(missing_ok=True)  # left by a daemon that was killed
        with (self.repo / "daemon.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", end_with_parent.__file__, str(os.getpid())),
                    *(str(self._binary), "daemon", *(["--offline"] if self._offline else [])),
                ],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the program that owns the daemon
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def connect(self, others: Iterable["KuboDaemon"]) -> None:
        """Connect to other running daemons and stay connected. Raises Unavailable."""
        for other in others:
            if other is not self:
                self._ipfs("swarm", "peering", "add", other.address())
                self._ipfs("swarm", "connect", other.address())

    def address(self) -> str:
        """The multiaddress, with peer id, under which other daemons on this machine reach this one."""
        return self._ipfs("id", "--format", "<addrs>").split()[0]

    def stop(self) -> None:
        """Stop the daemon, by force if it does not end. Nothing happens if it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """Kill it with kill -9, so that it cannot clean up. Nothing happens if it does not run."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wait(self) -> None:
        """The file `api` is there before the RPC answers."""
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            if (self.repo / "api").exists():
                try:
                    with urlopen(Request(f"{self.url}/api/v0/id", method="POST"), timeout=5):  # noqa: S310
                        return
                except (URLError, OSError, ValueError):
                    pass
            time.sleep(0.1)
        tail = (self.repo / "daemon.log").read_text(errors="replace")[-1000:]
        raise Unavailable(f"the Kubo daemon over {self.repo} did not start; its log ends:\n{tail}")

    def _ipfs(self, *arguments: str) -> str:
        done = subprocess.run(
            [self._binary, *arguments], env=self._environment(), capture_output=True, text=True, timeout=_READY_SECONDS
        )
        if done.returncode:
            raise Unavailable(f"`ipfs {' '.join(arguments)}` failed over {self.repo}: {done.stderr.strip()}")
        return done.stdout

    def _environment(self) -> dict[str, str]:
        return {**environment.given(), "IPFS_PATH": str(self.repo)}
