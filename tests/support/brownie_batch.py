"""Copied beside the brownie scripts by their tests: any number of their calls in one brownie process, as if each were
run by itself. `brownie run batch` takes seconds to start, a call much less.

From standard input it reads a line for each call, {"args": [script, function, …], "environment": {…}}, and writes a
line for each answer to standard output: MARK, then {"status", "output"}.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from typing import Any

from brownie import run

MARK = "answer: "


def main() -> None:
    with os.fdopen(os.dup(0)) as calls, open(os.devnull) as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 0)  # a script that asks for a password must not read the next call
        sys.stdin = nothing
        for call in calls:
            print(MARK + json.dumps(_call(**json.loads(call))), file=sys.__stdout__, flush=True)


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
