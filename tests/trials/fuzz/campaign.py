"""One parser under the fuzzer, in a process of its own, and the figures that libFuzzer printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fuzz.tally import Counts, counted

PARSERS = {
    "car": "fedprotocol.car.read_car",
    "node": "fedprotocol.car.children: the DAG-CBOR of an inner node",
    "cid": "fedprotocol.tree.parse_cid",
    "spec": "fedprotocol.spec.load_spec",
    "pages": "fedaggregator.disputes.proposed_leaves.assembled: digests in the events of a proposal's pages",
    "revert": "fedprotocol.chain.errors.decode_revert: what a contract answers that refuses",
    "gateway": "fedprotocol.store.gateway.Gateway, over HTTP",
    "jsonl": "fednode.data.read_rows of a .jsonl file, chat messages among its rows",
    "csv": "fednode.data.read_rows of a .csv file",
    "parquet": "fednode.data.read_rows of a .parquet file",
    "safetensors": "fednode.base_model: tensor_files and the digest over the weights",
}
"""What is fuzzed: a module of `fuzz.targets` each."""

TRIALS = Path(__file__).resolve().parents[1]
HANG_SECONDS = 30
RESIDENT_MIB = 2048  # of the whole process: torch alone takes a quarter

# Linux lets a program begin at the memory peak of the process that started it: a small shell between keeps the
# worker's figure, and the limit on it, its own. `exit` keeps the shell from becoming the worker itself.
_OF_ITS_OWN = ("sh", "-c", '"$@"; exit $?', "sh")

_STATE = re.compile(r"^#\d+\s+(\S+)\s+cov: (\d+) ft: (\d+) corp: (\d+)/", re.MULTILINE)
_STAT = re.compile(r"^stat::(\w+):\s+(\d+)$", re.MULTILINE)
_WROTE = re.compile(r"Test unit written to (.+)$", re.MULTILINE)
_WHAT = re.compile(r"=== Uncaught Python exception: ===\n(.+)|ERROR: libFuzzer: (.+)")
_SECONDS = re.compile(r"^Done \d+ runs in (\d+) second", re.MULTILINE)


@dataclass(frozen=True)
class Campaign:
    """How long: what is reached first, inputs or seconds; 0 is without end. The seed is libFuzzer's."""

    inputs: int
    seconds: int
    seed: int


@dataclass(frozen=True)
class Figures:
    """`edges` and `features` are covered in the end, `from_seeds` are the features that the first inputs cover.

    `finding`: what was wrong, empty if nothing was; `inputs_found`: the files.
    """

    name: str
    inputs: int
    edges: int
    features: int
    from_seeds: int
    corpus: int
    seconds: float
    peak_mib: int
    finding: str
    inputs_found: Sequence[Path]
    counts: Counts

    @property
    def failed(self) -> bool:
        return bool(self.finding)


def fuzz(name: str, campaign: Campaign, corpus: Path, findings: Path) -> Figures:
    """Fuzz one parser; `corpus` is added to. The log and the inputs that were findings are in `findings`."""
    corpus.mkdir(parents=True, exist_ok=True)
    findings.mkdir(parents=True, exist_ok=True)
    (findings / "tally").unlink(missing_ok=True)
    arguments = [
        f"-runs={campaign.inputs or -1}",
        f"-max_total_time={campaign.seconds}",
        f"-seed={campaign.seed}",
        f"-timeout={HANG_SECONDS}",
        f"-rss_limit_mb={RESIDENT_MIB}",
        "-print_final_stats=1",
        "-len_control=0",
        str(corpus),
    ]
    with (findings / "log").open("wb") as out:
        code = _worker(name, findings, arguments, out)
    return _figures(name, (findings / "log").read_text(errors="replace"), code, findings)


def replay(name: str, data: Path, folder: Path) -> int:
    """Give one parser one input again; what it says goes to the terminal, the exit status is 0 if it is no finding."""
    folder.mkdir(parents=True, exist_ok=True)
    return _worker(name, folder, [f"-timeout={HANG_SECONDS}", str(data)], None)


def _worker(name: str, findings: Path, arguments: Sequence[str], out: BinaryIO | None) -> int:
    command = [*_OF_ITS_OWN, sys.executable, "-m", "fuzz.worker", name, str(findings), *arguments]
    paths = os.pathsep.join([str(TRIALS.parent), str(TRIALS), *filter(None, [os.environ.get("PYTHONPATH")])])
    with tempfile.TemporaryDirectory() as scratch:
        own = {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "TMPDIR": scratch}
        stderr = out and subprocess.STDOUT
        return subprocess.run(command, env=os.environ | own, stdout=out, stderr=stderr, check=False).returncode


def _figures(name: str, log: str, code: int, findings: Path) -> Figures:
    """Of a worker that ended with `code` and said `log`."""
    states = [(kind, *map(int, counts)) for kind, *counts in _STATE.findall(log)]
    stats = {key: int(value) for key, value in _STAT.findall(log)}
    _, edges, features, corpus = states[-1] if states else ("", 0, 0, 0)
    wrong, seconds = _WHAT.search(log), _SECONDS.search(log)
    return Figures(
        name=name,
        inputs=stats.get("number_of_executed_units", 0),
        edges=edges,
        features=features,
        from_seeds=next((state[2] for state in states if state[0] == "INITED"), 0),
        corpus=corpus,
        seconds=float(seconds[1]) if seconds else 0.0,
        peak_mib=stats.get("peak_rss_mb", 0),
        finding=(wrong[1] or wrong[2] if wrong else f"the fuzzer ended with {code}") if code else "",
        inputs_found=[Path(path) for path in _WROTE.findall(log)],
        counts=counted(findings / "tally"),
    )
