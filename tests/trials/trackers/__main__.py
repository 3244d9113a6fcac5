"""`make trackers`: every tracker of experiments for real, on this machine alone.

Each tool is handed three rounds, by a process that is killed right after; then nothing new, by a second process; then a
fourth round. What its own library reads must be every value once, at its place. Exits with 1 if anything differs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from fednode.tracking.figure_folder import FigureFolder
from fednode.tracking.tracker import TOOLS
from support.figure_files import write_round

from trackers.read_back import BY_STEP, READERS, wandb_axes


def main() -> int:
    parser = argparse.ArgumentParser(prog="make trackers", description=__doc__)
    parser.add_argument("tools", nargs="*", help="only these; default: all")
    wanted = parser.parse_args().tools or list(TOOLS)
    failed = [tool for tool in wanted if not tried(tool)]
    print("all right" if not failed else f"WRONG: {', '.join(failed)}")
    return bool(failed)


def tried(tool: str) -> bool:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        metrics, folder = Path(name) / "metrics", Path(name) / "track" / tool
        for number in (1, 2, 3):
            write_round(metrics, number)
        hand_over(tool, metrics, folder, "killed", -9)
        if tool == "wandb":
            time.sleep(5)  # its own process writes down what it has, and ends
        hand_over(tool, metrics, folder, "closed", 0)
        write_round(metrics, 4)
        hand_over(tool, metrics, folder, "closed", 0)
        wanted = expected(metrics, tool)
        kept = Counter((name, round(x, 6), round(value, 5)) for name, x, value in READERS[tool](folder))
        axes = wandb_axes(folder) if tool == "wandb" else {("train/*", "round"), ("round/*", "round")}
    wrong = [*(wanted - kept).items(), *(kept - wanted).items()]
    if axes != {("train/*", "round"), ("round/*", "round")}:
        wrong.append((("axes", 0, 0), len(axes)))
    package = {"csv": "fednode", "mlflow": "mlflow-skinny"}.get(tool, tool)
    try:
        release = version(package)
    except PackageNotFoundError:
        release = "not installed"
    print(f"{tool} {release}: {kept.total()} values, {time.monotonic() - began:.0f} s{'; WRONG' if wrong else ''}")
    for entry in wrong[:10]:
        print("  ", entry)
    return not wrong and kept.total() > 0


def hand_over(tool: str, metrics: Path, folder: Path, ending: str, status: int) -> None:
    command = [sys.executable, "-m", "trackers.hand_over", tool, str(metrics), str(folder), ending]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    if ended.returncode != status:
        print(ended.stdout, ended.stderr, f"ended with {ended.returncode}, not {status}", sep="\n")


def expected(metrics: Path, tool: str) -> Counter[tuple[str, float, float]]:
    return Counter(
        (name, round(float(point.step if tool in BY_STEP else point.round), 6), round(value, 5))
        for chapter in FigureFolder(metrics).chapters()
        for point in chapter.points
        for name, value in point.values.items()
    )


if __name__ == "__main__":
    sys.exit(main())
