"""Run as a program by `support.programs`: it has the libraries loaded, and becomes whatever program it is asked for.

Every request is one message on the socket that it is started with: JSON of `argv`, `folder`, `environment` and
`trains`, with stdin, stdout, stderr and a pipe. The answer is the process id of a fork that is then that program; its
wait status goes into the pipe. When the socket is closed, everything ends.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
import threading
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

LOADED = {
    "fednode": ("fednode.cli.app", "fednode.session", "fednode.daemon.loop"),
    "fedaggregator": ("fedaggregator.cli.app", "fedaggregator.daemon.run"),
    "fedexplorer": (
        "fedexplorer.cli.app",
        "fedexplorer.web.site_app",
        "fedexplorer.web.server",
        "fedexplorer.given.read",
    ),
    "fedlab": ("fedlab.cli.app", "fedlab.experiment.run", "fedlab.experiment.report"),
}
TRAINING = ("fednode.training.trainer", "fednode.training.generation", "fednode.evaluation.run", "datasets")
LONGEST = 1 << 20


def serve(requests: socket.socket) -> None:
    """Returns in every fork, once it has the request's console, folder and environment; ends with the requests."""
    woken, wake = os.pipe()
    for end in (woken, wake):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    running: dict[int, int] = {}  # process id: the pipe for its status
    while True:
        ready, _, _ = select.select([requests, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            _reap(running)
        if requests not in ready:
            continue
        message, files, _, _ = socket.recv_fds(requests, LONGEST, 4)
        if not message:
            for pid in running:
                os.kill(pid, signal.SIGKILL)
            os._exit(0)
        request = json.loads(message)
        for name in (*LOADED[Path(request["argv"][0]).name], *(TRAINING if request["trains"] else ())):
            import_module(name)
        gc.freeze()  # a collection in a fork would copy all that is shared
        pid = os.fork()
        if pid == 0:
            for other in (requests.detach(), woken, wake, *running.values()):
                os.close(other)
            _become(request, files)
            return
        running[pid] = files[3]
        for file in files[:3]:
            os.close(file)
        requests.send(str(pid).encode())


def _reap(running: dict[int, int]) -> None:
    for pid in list(running):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            pipe = running.pop(pid)
            with contextlib.suppress(BrokenPipeError):
                os.write(pipe, str(status).encode())
            os.close(pipe)


def _become(request: dict[str, object], files: list[int]) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored where the tests run in the background
    for place, file in enumerate(files[:3]):
        os.dup2(file, place)
    for file in files:
        os.close(file)
    encoding, _, errors = (request["environment"].get("PYTHONIOENCODING") or "utf-8").partition(":")  # type: ignore[attr-defined]
    # Python's own streams remember whether what they wrote to before could be sought in.
    sys.stdout = open(1, "w", encoding=encoding, errors=errors or None, closefd=False)  # noqa: SIM115 (until the process ends)
    sys.stderr = open(2, "w", 1, encoding=encoding, errors=errors or "backslashreplace", closefd=False)  # noqa: SIM115 (until the process ends)
    os.chdir(str(request["folder"]))
    os.environ.clear()
    os.environ.update(request["environment"])  # type: ignore[call-overload]
    sys.argv[:] = request["argv"]  # type: ignore[call-overload]


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
    (entry,) = entry_points(group="console_scripts", name=Path(sys.argv[0]).name)
    code = 0
    try:
        entry.load()()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # taking all libraries apart again would take seconds
