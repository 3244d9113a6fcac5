"""One of the processes that train together, as a launcher starts it: `python -m fednode.workers.worker FOLDER`."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fedprotocol.errors import FedError
from fedprotocol.program import environment
from fedprotocol.program.end_with_parent import end_with
from fedprotocol.program.garbage import collect_seldom
from fedprotocol.spec import load_spec

from fednode.data_source import Portion
from fednode.workers.job import Done, Failed, Folder, Job, JobFolder, Ready, Settings, put, save
from fednode.workers.place import Place, own_device, place

if TYPE_CHECKING:
    from datasets import Dataset
    from fedprotocol.spec import Spec

    from fednode.training.group import Group
    from fednode.training.model import AdapterModel

LOOK_SECONDS = 0.1
DEAD_SECONDS = 60.0
"""After so long without a sign of life the daemon is taken to be gone."""

NETWORK = ("NCCL_", "TORCH_NCCL_", "GLOO_", "UCX_", "FI_")
"""Beginnings of variables that say how the processes reach one another. They do not change what is computed."""


class _Stopped(Exception):
    """The job is not wanted any more. All processes raise it together."""


class _Daemon:
    """Whether the daemon that gives the jobs lives, as its file says. For the process that leads."""

    def __init__(self, file: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._file, self._clock = file, clock
        self._said, self._since = b"", clock()

    @property
    def is_gone(self) -> bool:
        said = self._file.read_bytes() if self._file.exists() else b""
        if said != self._said:
            self._said, self._since = said, self._clock()
        return self._clock() - self._since > DEAD_SECONDS


def main() -> None:
    """Take jobs from the folder until the daemon is gone, or something fails."""
    end_with(os.getppid())
    folder, given = Folder(Path(sys.argv[1])), dict(os.environ)
    collect_seldom()
    environment.settle()
    os.environ.update({name: value for name, value in given.items() if name.startswith(NETWORK)})
    where, is_loading = None, True
    try:
        where = place(given)
        settings = Settings.model_validate_json(folder.settings.read_bytes())
        spec = load_spec(folder.spec.read_bytes())
        group, model = _loaded(folder, settings, spec, where, given)
        is_loading = False
        _serve(folder, settings, spec, group, model)
        group.close()
    except Exception as error:
        traceback.print_exc()
        message = str(error) or type(error).__name__
        rank = 0 if where is None else where.rank
        is_ours, kind = isinstance(error, FedError), type(error).__name__
        put(folder.failed(rank), Failed(is_ours=is_ours, loading=is_loading, kind=kind, message=message))
        sys.exit(1)


def _loaded(
    folder: Folder, settings: Settings, spec: Spec, where: Place, given: Mapping[str, str]
) -> tuple[Group, AdapterModel]:
    chosen = settings.model
    environment.set_threads(chosen.threads)
    if chosen.device == "cuda":
        import torch

        os.environ["CUDA_VISIBLE_DEVICES"] = own_device(given, torch.cuda.device_count(), where.local)
    from fednode.training.group import Group
    from fednode.training.model import AdapterModel

    group = Group(where.rank, where.size, folder.path / "meeting", chosen.device, settings.shard)
    model = AdapterModel.load(spec, chosen.source, chosen.device, chosen.threads, group)
    held = group.gather(model.held)
    if group.leads:
        put(folder.ready, Ready(held=held[0], processes=where.size))
    return group, model


def _serve(folder: Folder, settings: Settings, spec: Spec, group: Group, model: AdapterModel) -> None:
    daemon, data, number = _Daemon(folder.alive), dict[Portion, "Dataset"](), 0
    while True:
        number += 1
        files = folder.job(number)
        job = group.from_the_leader(_awaited(files, daemon) if group.leads else None)
        if job is None:
            return
        if job.rows not in data:
            data[job.rows] = _rows(settings, job.rows, spec)
        done = _done(job, files, daemon, data[job.rows], spec, group, model)
        if group.leads:
            put(files.done, done)


def _awaited(files: JobFolder, daemon: _Daemon) -> Job | None:
    """The next job; None if the daemon is gone."""
    while not files.job.exists():
        if daemon.is_gone:
            return None
        time.sleep(LOOK_SECONDS)
    return Job.model_validate_json(files.job.read_bytes())


def _rows(settings: Settings, rows: Portion, spec: Spec | None) -> Dataset:
    from fednode.data import load_data
    from fednode.site_data import columns_of

    return load_data(rows, columns_of(settings, spec), settings.rows)


def _done(
    job: Job, files: JobFolder, daemon: _Daemon, data: Dataset, spec: Spec, group: Group, model: AdapterModel
) -> Done:
    import numpy as np
    import torch

    def unless_stopped(*_: int) -> None:
        flag = torch.tensor(float(group.leads and (files.stop.exists() or daemon.is_gone)))
        if group.sum(flag):
            raise _Stopped

    model.set_global(np.load(files.adapter))
    try:
        if job.kind == "score":
            return Done(score=model.evaluate(spec, data, unless_stopped))
        start = np.load(files.start) if files.start.exists() else None
        told = files.tell if group.leads else None
        result = model.train(spec, data, job.round, job.seed, unless_stopped, told, start)
    except _Stopped:
        return Done(stopped=True)
    if group.leads:
        save(files.delta, result.units_delta)
    return Done(drawn=result.drawn, truncated=result.truncated)


if __name__ == "__main__":
    main()
