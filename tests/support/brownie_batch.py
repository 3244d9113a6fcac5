"""Copied beside the brownie scripts by their tests: many of their calls in one brownie process, as if each were run.

`brownie run batch main calls.json`: a list of {"args": [script, function, …], "environment": {…}}; the answers, a list
of {"status", "output"}, replace the file's content.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
from pathlib import Path
from typing import Any

from brownie import run


def main(path: str) -> None:
    file = Path(path)
    file.write_text(json.dumps([_call(**call) for call in json.loads(file.read_text())]))


def _call(args: list[str], environment: dict[str, str]) -> dict[str, Any]:
    script, function, *rest = [*args, "main"][: max(2, len(args))]
    output, status, before = io.StringIO(), 0, dict(os.environ)
    os.environ.update(environment)
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            run(script, function, rest)
        except SystemExit as end:
            status = int(end.code or 0)
    os.environ.clear()
    os.environ.update(before)
    return {"status": status, "output": output.getvalue()}
