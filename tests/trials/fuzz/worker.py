"""`python -m fuzz.worker TARGET FOLDER [libFuzzer's arguments]`: the process in which one parser is fuzzed.

FOLDER takes the inputs of findings and the tally. The seeds are written into the corpus, libFuzzer's last argument, if
that is a directory.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
import tracemalloc
from pathlib import Path
from random import Random

import atheris

from fuzz.guide import Guide
from fuzz.judge import judged, warm_up
from fuzz.tally import Tally
from fuzz.target import Target

INSTRUMENTED = ["fedprotocol", "fedaggregator", "fednode", "fuzz.targets", "eth_abi"]


def main(name: str, folder: Path, arguments: list[str]) -> None:
    with atheris.instrument_imports(include=INSTRUMENTED):
        target: Target = importlib.import_module(f"fuzz.targets.{name}").TARGET
    corpus = Path(arguments[-1]) if arguments else Path()
    if arguments and corpus.is_dir():
        for seed in target.seeds():
            (corpus / hashlib.sha256(seed).hexdigest()).write_bytes(seed)
    guide, tally = Guide(target), Tally(target, folder / "tally")

    def one(data: bytes) -> None:
        outcome = judged(target, data)
        guide.saw(outcome, len(data))
        tally.saw(outcome, len(data))

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
