"""The daemon's side of the processes that train together: starts them, gives them jobs, and stops them."""

from __future__ import annotations

import secrets
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fedprotocol.errors import FedError
from fedprotocol.files.private import private_folder
from fedprotocol.files.whole import PRIVATE, write_whole
from fedprotocol.printable import printable
from fedprotocol.spec import Spec, dump_spec

from fednode.config import NodeConfig
from fednode.training.types import StepRecord
from fednode.workers.job import Done, Folder, Job, JobFolder, Ready, Settings, put
from fednode.workers.launch import command
from fednode.workers.launched import STOP_SECONDS, Launched

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOOK_SECONDS = 0.1
LOG_LINES = 3
LONGEST = 400  # characters of what others say


class WorkersEnded(FedError):
    """The processes ended, and did not say why; the message has what their log says last."""


class WorkersFailed(FedError):
    """One of the processes failed. `loading`: the base model cannot be used at all; `kind`: the error's class."""

    def __init__(self, message: str, kind: str, loading: bool) -> None:
        super().__init__(message)
        self.kind, self.loading = kind, loading


class Stopped(FedError):
    """The job was stopped because nobody wants it any more."""


class Workers:
    """Processes that `command` starts, a function of the folder through which they get their jobs. They are started
    with the first job, again after a failure, and end with this program."""

    def __init__(
        self, home: Path, settings: Settings, spec: Spec, command: Callable[[Path], Sequence[str]], log: Path
    ) -> None:
        """`home`: the folder for theirs, which all of them must see; `log`: the file for what they print."""
        self._home, self._settings, self._spec, self._command, self._log = home, settings, spec, command, log
        self._launched: Launched | None = None
        self._folder = Folder(home)
        self._jobs = 0

    @classmethod
    def of(cls, config: NodeConfig, spec: Spec, home: Path, log: Path) -> Workers:
        """The processes of a site, as its config says."""
        settings = Settings(model=config.model, data=config.data, rows=config.rows, shard=config.training.shard)
        return cls(home, settings, spec, lambda folder: command(config.training, config.model.device, folder), log)

    @property
    def _is_running(self) -> bool:
        return self._launched is not None and self._launched.status is None

    @property
    def are_ready(self) -> bool:
        """Whether they run, and the base model is loaded."""
        return self._is_running and self._folder.ready.exists()

    def start(self, stop: threading.Event) -> Ready:
        """Start them unless they run, and wait until the base model is loaded.

        Raises WorkersFailed, WorkersEnded, Stopped.
        """
        if not self._is_running:
            self._begin()
        while not self._folder.ready.exists():
            self._look(stop)
        return Ready.model_validate_json(self._folder.ready.read_bytes())

    def run(
        self,
        job: Job,
        adapter: NDArray[np.int32],
        start: NDArray[np.float32] | None,
        stop: threading.Event,
        on_step: Callable[[StepRecord], None],
    ) -> tuple[Done, JobFolder]:
        """Have a job done; its folder is there until the next job. `on_step` is called for each step of a training.
        Raises as `start` does."""
        self.start(stop)
        shutil.rmtree(self._folder.job(self._jobs).path, ignore_errors=True)
        self._jobs += 1
        files = self._folder.job(self._jobs)
        files.order(job, adapter, start)
        known = 0

        def hear() -> None:
            nonlocal known
            for record in files.told(known):
                known += 1
                on_step(record)

        try:
            while not files.done.exists():
                self._look(stop)
                hear()
        except Stopped:
            self._give_up(files)
            raise
        except WorkersFailed:
            hear()
            raise
        hear()  # what was made between the last look and the end
        done = Done.model_validate_json(files.done.read_bytes())
        if done.stopped:
            raise Stopped("stopped")
        return done, files

    def close(self) -> None:
        """Stop them, by force if they do not end, and remove the folder."""
        launched, self._launched = self._launched, None
        if launched is not None:
            launched.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def _begin(self) -> None:
        shutil.rmtree(self._home, ignore_errors=True)  # of a launch that ended
        private_folder(self._home)
        self._folder, self._jobs = Folder(self._home / secrets.token_hex(4)), 0
        private_folder(self._folder.path)
        put(self._folder.settings, self._settings)
        write_whole(self._folder.spec, dump_spec(self._spec), mode=PRIVATE, synced=False)
        try:
            self._launched = Launched(self._command(self._folder.path), self._log, self._folder.alive)
        except OSError as error:
            raise WorkersEnded(f"the processes of [training] launch cannot be started: {error}") from error

    def _look(self, stop: threading.Event) -> None:
        """One look at whether they still work, after a pause."""
        if stop.wait(LOOK_SECONDS):
            raise Stopped("stopped")
        first = next(iter(self._folder.failures()), None)
        if self._launched is None or (self._launched.status is None and first is None):
            return
        self._launched.stop()  # the others may wait for the one that failed for ever
        code, self._launched = self._launched.status, None
        first = next(iter(self._folder.failures()), None)
        if first is not None and first.is_ours:
            raise WorkersFailed(first.message, first.kind, first.loading)
        why = self._last_words() if first is None else f"{printable(first.message, LONGEST)} (see {self._log})"
        raise WorkersEnded(f"the processes of [training] launch ended with status {code}: {why}")

    def _give_up(self, files: JobFolder) -> None:
        """Have them stop the job, or else stop them."""
        write_whole(files.stop, "", mode=PRIVATE, synced=False)
        until = time.monotonic() + STOP_SECONDS
        while not files.done.exists() and self._is_running:
            if time.monotonic() > until:
                self.close()
                return
            time.sleep(LOOK_SECONDS)

    def _last_words(self) -> str:
        with suppress(OSError):
            lines = [line for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
            return printable("; ".join(lines[-LOG_LINES:]), LONGEST) + f" (see {self._log})"
        return f"see {self._log}"
