"""`make rows`: what a site's rows cost a node that checks them, reads them and begins a round, for few and for many."""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from support.evm import ROOT
from support.tiny_model import colour_rows

from rows.steps import BATCH, LENGTH, STEPS

PAGE = ROOT / "docs/performance.md"
BEGIN, END = "<!-- rows: written by `make rows` -->", "<!-- end of rows -->"
KINDS = ("jsonl", "csv", "parquet")
WORDS = {
    "check": "`fednode data check`, without the base model",
    "check in tokens": "`fednode data check`, with its tokenizer",
    "first read": "reading the rows for the first time",
    "read again": "reading them at any later start",
    "round": f"a whole round of {STEPS} steps of {BATCH} rows",
    "round with noise": "such a round with `[privacy]`",
}
READ_ONLY = ("first read", "read again")  # what is measured of all kinds of files

Figures = dict[tuple[str, str, int], dict[str, float]]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="rows", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10, 50_000, 5_000_000], help="rows of the files")
    parser.add_argument("--folder", type=Path, default=ROOT / "runs/rows", help="folder for files and copies")
    parser.add_argument("--write", action="store_true", help=f"write the table in {PAGE.relative_to(ROOT)}")
    given = parser.parse_args(arguments)
    given.folder.mkdir(parents=True, exist_ok=True)
    figures: Figures = {}
    sizes: dict[tuple[str, int], int] = {}
    for kind in KINDS:
        for count in given.rows:
            path = _made(given.folder.resolve() / f"{count}.{kind}", count)
            sizes[kind, count] = path.stat().st_size
            for step in WORDS if kind == "jsonl" else READ_ONLY:
                figures[kind, step, count] = _measured(step, path)
                print(kind, step, count, figures[kind, step, count], flush=True)
    table = as_markdown(figures, sizes, given.rows)
    print("\n" + table)
    if given.write:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{table}{END}{rest.partition(END)[2]}")
    return 0


def _measured(step: str, path: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "rows.steps", step, str(path), str(path.parent)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=os.environ)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _rows(count: int) -> Iterator[dict[str, str]]:
    """No two of them alike."""
    some = colour_rows(5000)
    for number in range(count):
        row = some[number % len(some)]
        yield {**row, "prompt": f"{row['prompt']} {number}, {'and what stands around it ' * 3}"}


def _made(path: Path, count: int) -> Path:
    if path.exists():
        return path
    names = ("prompt", "completion", "domain")
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = _rows(count)
        with pq.ParquetWriter(path, pa.schema([(name, pa.string()) for name in names])) as writer:
            while some := list(islice(rows, 1 << 17)):
                writer.write_table(pa.Table.from_pylist(some, writer.schema))
        return path
    with path.open("w", newline="") as file:
        if path.suffix == ".csv":
            table = csv.DictWriter(file, names)
            table.writeheader()
            table.writerows(_rows(count))
        else:
            file.writelines(json.dumps(row) + "\n" for row in _rows(count))
    return path


def as_markdown(figures: Figures, sizes: dict[tuple[str, int], int], counts: list[int]) -> str:
    """Two figures in a cell: seconds of the processor, and the most memory of the process."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    commit = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    head = [
        f"Measured on {datetime.now(UTC):%Y-%m-%d} at commit {commit}, {_machine()}; sequences have {LENGTH} tokens:",
        "",
        "| | " + " | ".join(f"{count:,} rows" for count in counts) + " |",
        "|---|" + "---:|" * len(counts),
    ]
    lines = []
    for kind in KINDS:
        cells = [f"{sizes[kind, count] / 1e6:.1f} MB" for count in counts]
        lines.append((f"**{'JSONL' if kind == 'jsonl' else kind.upper() if kind == 'csv' else 'Parquet'}**", cells))
        for step in WORDS if kind == "jsonl" else READ_ONLY:
            found = [figures[kind, step, count] for count in counts]
            lines.append((WORDS[step], [f"{one['seconds']:.2f} s, {one['peak'] / 2**20:.0f} MiB" for one in found]))
    return "\n".join([*head, *(f"| {name} | " + " | ".join(cells) + " |" for name, cells in lines)]) + "\n"


def _machine() -> str:
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    name = models[0].partition(": ")[2] if models else platform.machine()
    return f"{os.cpu_count()} cores of {name}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
