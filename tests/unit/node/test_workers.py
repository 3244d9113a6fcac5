"""Two real processes that train one model together, beside one process with the same rows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fednode.config import TrainingConfig
from fednode.data import DataError
from fednode.data_source import portion
from fednode.training import StepRecord
from fednode.workers.failures import raise_as_here
from fednode.workers.job import Job
from fednode.workers.launch import command
from fednode.workers.place import NoPlace, Place, TooFewDevices, own_device, place
from fednode.workers.workers import Stopped, Workers, WorkersEnded, WorkersFailed
from fedprotocol.spec import Spec, dump_spec
from support.tiny_model import colour_rows, write_jsonl
from support.tiny_spec import tiny_spec
from support.together import assert_as_alone, made, trained

ROWS = 17
"""With batches of three and two processes, shares are of two rows and one, and the last batch of an epoch of two."""

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def train(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_jsonl(tmp_path_factory.mktemp("data") / "train.jsonl", colour_rows(ROWS))


@pytest.fixture(scope="module")
def federation(tiny_folder: Path) -> tuple[Spec, Any]:
    spec, adapter = tiny_spec(
        tiny_folder, "fp32", batch_size=3, gradient_accumulation=2, steps=7, proximal_mu=0.05, weight_decay=0.01
    )
    return spec, adapter.units


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory, federation: Any, train: Path) -> Iterator[Workers]:
    started = made(tmp_path_factory.mktemp("home"), federation[0], train)
    yield started
    started.close()


def pids(folder: Path) -> list[int]:
    found = subprocess.run(["pgrep", "-f", f"fednode.workers.worker {folder}"], capture_output=True, text=True).stdout
    return [int(line) for line in found.split()]


@pytest.mark.model
def test_two_processes_take_the_steps_of_one(workers: Workers, federation: Any, train: Path) -> None:
    spec, units = federation
    delta = assert_as_alone(workers, spec, units, train)
    _, again, _ = trained(workers, train, units)
    np.testing.assert_array_equal(again, delta)


def test_a_training_that_nobody_wants_stops_and_the_next_one_is_right(
    workers: Workers, federation: Any, train: Path
) -> None:
    _, units = federation
    _, delta, _ = trained(workers, train, units)
    stop = threading.Event()

    def stop_at_once(_: StepRecord) -> None:
        stop.set()

    before = pids(workers._folder.path)
    with pytest.raises(Stopped):
        workers.run(Job(kind="train", rows=portion(train), round=2, seed=5), units, None, stop, stop_at_once)
    np.testing.assert_array_equal(trained(workers, train, units)[1], delta)
    assert pids(workers._folder.path) == before, "they went on"
    assert len(list(workers._folder.path.glob("job-*"))) == 1, "what nobody needs is removed"


def test_they_start_again_after_an_error_and_end_with_one_that_is_killed(
    workers: Workers, federation: Any, train: Path, tmp_path: Path
) -> None:
    _, units = federation
    _, delta, _ = trained(workers, train, units)
    bad = write_jsonl(tmp_path / "bad.jsonl", [*colour_rows(3), {"prompt": "a rose", "completion": "   "}])
    with pytest.raises(WorkersFailed, match="line 4: completion is empty") as raised:
        trained(workers, bad, units)
    assert (raised.value.kind, raised.value.loading) == (DataError.__name__, False)
    with pytest.raises(DataError, match="line 4: completion is empty"):
        raise_as_here(raised.value)
    np.testing.assert_array_equal(trained(workers, train, units)[1], delta)
    *_, worker = pids(workers._folder.path)
    os.kill(worker, signal.SIGKILL)
    with pytest.raises(WorkersEnded, match="ended with status"):
        while True:
            trained(workers, train, units)


def test_a_worker_that_no_launcher_gave_a_place_says_so(federation: Any, train: Path, tmp_path: Path) -> None:
    workers = made(tmp_path, federation[0], train, TrainingConfig(launch=f"{sys.executable} {{module}}"))
    with pytest.raises(WorkersFailed, match="torchrun, srun or mpirun") as raised:
        trained(workers, train, federation[1])
    assert raised.value.loading
    with pytest.raises(WorkersFailed):
        raise_as_here(raised.value)
    workers.close()
    assert not (tmp_path / "workers").exists()


def test_others_are_not_left_waiting_for_one_that_failed(federation: Any, train: Path, tmp_path: Path) -> None:
    """As with srun, which goes on when one of its processes ends."""
    (tmp_path / "launcher.sh").write_text('"$@"\nsleep 300\n')
    training = TrainingConfig(launch=f"sh {tmp_path}/launcher.sh {{worker}}")
    workers = made(tmp_path, federation[0], train, training)
    begun = time.monotonic()
    with pytest.raises(WorkersFailed, match="torchrun, srun or mpirun"):
        trained(workers, train, federation[1])
    assert time.monotonic() - begun < 200
    workers.close()


@pytest.mark.parametrize(
    ("launch", "said"),
    [("/no/such/launcher {worker}", "cannot be started: No such file"), ("false {worker}", "status 1")],
)
def test_a_launcher_that_does_not_work_is_told(
    federation: Any, train: Path, tmp_path: Path, launch: str, said: str
) -> None:
    workers = made(tmp_path, federation[0], train, TrainingConfig(launch=launch))
    with pytest.raises(WorkersEnded, match=said):
        trained(workers, train, federation[1])
    workers.close()


KILLED = """
import sys, threading, time
from pathlib import Path
sys.path[:0] = {path!r}
from fednode.workers.workers import Workers
from fedprotocol.spec import load_spec
from support.together import made
workers = made(Path({home!r}), load_spec(Path({spec!r}).read_bytes()), Path({train!r}))
threading.Thread(target=workers.start, args=(threading.Event(),), daemon=True).start()
while not (workers._folder.path / "alive").exists():
    time.sleep(0.1)
print(workers._folder.path, flush=True)
threading.Event().wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere they end after a minute")
def test_they_end_with_a_daemon_that_is_killed(federation: Any, train: Path, tmp_path: Path) -> None:
    spec = tmp_path / "spec.json"
    spec.write_bytes(dump_spec(federation[0]))
    path = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
    code = KILLED.format(path=path, home=str(tmp_path), spec=str(spec), train=str(train))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        folder = Path(daemon.stdout.readline().strip())
        deadline = time.monotonic() + 240
        while len(pids(folder)) < 3 and time.monotonic() < deadline:  # torchrun and two workers
            time.sleep(0.1)
        daemon.kill()
    assert time.monotonic() < deadline, (tmp_path / "workers.log").read_text()
    deadline = time.monotonic() + 40
    while pids(folder):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_place_is_what_the_launcher_says() -> None:
    assert place({"RANK": "3", "WORLD_SIZE": "8", "LOCAL_RANK": "1"}) == Place(3, 8, 1)
    assert place({"SLURM_PROCID": "0", "SLURM_NTASKS": "2", "SLURM_LOCALID": "0", "RANK": ""}) == Place(0, 2, 0)
    with pytest.raises(NoPlace, match="torchrun, srun or mpirun"):
        place({"RANK": "1"})


def test_each_process_has_a_gpu_of_its_own() -> None:
    assert own_device({}, 4, 2) == "2"
    assert own_device({"CUDA_VISIBLE_DEVICES": "5, GPU-ab"}, 2, 1) == "GPU-ab"
    with pytest.raises(TooFewDevices, match="process 3 on this machine finds 2 GPUs"):
        own_device({}, 2, 2)


@pytest.mark.parametrize(
    ("training", "device", "expected"),
    [
        ({"launch": "torchrun", "processes": 4}, "cpu", ["--standalone", "--nproc-per-node", "4", "-m"]),
        ({"launch": "torchrun"}, "cuda", ["--standalone", "--nproc-per-node", "gpu", "-m"]),
        ({"launch": "slurm", "processes": 16}, "cuda", ["srun", "--ntasks=16", sys.executable, "-m"]),
        ({"launch": "ssh big {worker}"}, "cuda", ["ssh", "big", sys.executable, "-m"]),
        ({"launch": "torchrun --nnodes 2 {module}"}, "cuda", ["torchrun", "--nnodes", "2", "-m"]),
    ],
)
def test_commands(training: dict[str, Any], device: str, expected: Sequence[str]) -> None:
    words = command(TrainingConfig(**training), device, Path("/home/a b"))
    assert words[-2:] == ["fednode.workers.worker", "/home/a b"]
    assert words[-2 - len(expected) : -2] == list(expected)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"processes": 2}, 'set it to "torchrun"'),
        ({"launch": "mpirun -n 4"}, "a command with the word {worker}"),
        ({"launch": ""}, "it must be process, torchrun, slurm"),
        ({"shard": True}, 'set launch to "torchrun"'),
    ],
)
def test_what_cannot_be_started_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        TrainingConfig(**wrong)
