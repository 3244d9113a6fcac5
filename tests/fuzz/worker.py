"""`python -m fuzz.worker TARGET FOLDER [libFuzzer's arguments]`: the process in which one parser is fuzzed.

FOLDER takes the inputs of findings and `worst.json`, which share of its bounds an input came to at most: written as it
changes, because libFuzzer ends the process without leave. The seeds are written into the corpus, libFuzzer's last
argument, if that is a directory.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
import tracemalloc
from pathlib import Path
from random import Random

import atheris

from fuzz.guide import Guide, share_of
from fuzz.judge import RESIDENT, Outcome, judged, warm_up
from fuzz.target import Target

INSTRUMENTED = ["fedprotocol", "fedaggregator", "fednode", "fuzz.targets", "eth_abi"]


class Worst:
    """The largest shares of the bounds so far."""

    def __init__(self, target: Target, path: Path) -> None:
        self._target = target
        self._path = path
        self._shares = {"memory": 0.0, "resident": 0.0, "seconds": 0.0}

    def saw(self, outcome: Outcome, size: int) -> None:
        now = {
            "memory": share_of(outcome.peak, self._target.memory, size),
            "resident": share_of(outcome.resident, RESIDENT, size),
            "seconds": share_of(outcome.seconds, self._target.seconds, size),
        }
        if any(now[name] > self._shares[name] for name in now):
            self._shares = {name: max(now[name], self._shares[name]) for name in now}
            self._path.write_text(json.dumps(self._shares))


def main(name: str, folder: Path, arguments: list[str]) -> None:
    with atheris.instrument_imports(include=INSTRUMENTED):
        target: Target = importlib.import_module(f"fuzz.targets.{name}").TARGET
    corpus = Path(arguments[-1]) if arguments else Path()
    if arguments and corpus.is_dir():
        for seed in target.seeds():
            (corpus / hashlib.sha256(seed).hexdigest()).write_bytes(seed)
    guide, worst = Guide(target), Worst(target, folder / "worst.json")

    def one(data: bytes) -> None:
        outcome = judged(target, data)
        guide.saw(outcome, len(data))
        worst.saw(outcome, len(data))

    def mutated(data: bytes, largest: int, seed: int) -> bytes:
        assert target.mutate is not None
        return target.mutate(bytes(data), largest, Random(seed), atheris.Mutate)[:largest]

    own = {} if target.mutate is None else {"custom_mutator": mutated}
    limits = [f"-artifact_prefix={folder}/", f"-max_len={target.largest}"]
    warm_up(target)
    tracemalloc.start()
    atheris.Setup([sys.argv[0], *limits, *arguments], one, **own)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
