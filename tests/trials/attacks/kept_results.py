"""Results as they are kept, a file for each attack, so that a table can be made of several runs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from support.evm import ROOT

from attacks.judge import Account
from attacks.row import Row
from attacks.run import Result

FOLDER = "results"


def keep(result: Result, folder: Path) -> None:
    """In place of an earlier result of the same attack, whatever either came to."""
    file = folder / FOLDER / f"{result.row.name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    values = {key: value for key, value in vars(result).items() if key not in ("row", "accounts")}
    file.write_text(json.dumps(values | {"accounts": [asdict(a) for a in result.accounts]}, indent=1) + "\n")


def kept(rows: Iterable[Row], folder: Path) -> list[Result]:
    """The newest result of each of `rows` that has one, in their order."""
    files = ((row, folder / FOLDER / f"{row.name}.json") for row in rows)
    return [_read(row, file) for row, file in files if file.exists()]


def commit() -> str:
    """What is checked out, with `-dirty` if anything is changed."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def subject(at: str) -> str:
    """First line of a commit's message, by which it is found when its branch was rebased; empty if it is not there."""
    command = ["git", "log", "-1", "--format=%s", at.removesuffix("-dirty"), "--"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()


def _read(row: Row, file: Path) -> Result:
    values = json.loads(file.read_text())
    return Result(row, **values | {"accounts": [Account(**account) for account in values["accounts"]]})
