"""`python -m attacks [NAME …]` carries the attacks out and judges them; `--list` names them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from support.evm import ROOT, Anvil

from attacks.arena import Stage
from attacks.kept_results import commit, keep, kept, subject
from attacks.row import Row, all_rows
from attacks.run import Result, carry_out
from attacks.table import as_markdown, as_text

PAGE = ROOT / "docs/attacks.md"
FOLDER = ROOT / "runs/attacks"


def main(arguments: Sequence[str]) -> int:
    rows = {row.name: row for row in all_rows()}
    parser = argparse.ArgumentParser(prog="attacks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="an attack to carry out (default: all)")
    parser.add_argument("--list", action="store_true", help="name the attacks and do nothing")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)} from the newest results")
    parser.add_argument(
        "--kept", action="store_true", help="show the newest results of earlier runs, and carry nothing out"
    )
    parser.add_argument("--folder", type=Path, default=FOLDER, help="folder for the federations and logs")
    given = parser.parse_args(arguments)
    if unknown := set(given.names) - rows.keys():
        parser.error(f"no attack {', '.join(sorted(unknown))}; --list names them")
    if given.list:
        for row in rows.values():
            print(f"{row.name:<28} {row.title}: {row.description}")
        return 0

    chosen = [rows[name] for name in given.names or rows]
    try:
        results = kept(chosen, given.folder) if given.kept else play(chosen, given.folder)
    except KeyboardInterrupt:
        print("\ninterrupted; all programs are stopped")
        return 130
    if not results:
        parser.error("nothing is kept yet")
    print("\n" + as_text(results))
    bad = [result for result in results if not result.is_good]
    for result in bad:
        print(f"\n{result.row.name}: {result.error or '; '.join(result.convictions)}\n  logs: {result.logs}")
    took = timedelta(seconds=round(sum(result.seconds for result in results)))
    print(f"{len(results)} attacks, {len(bad)} of them bad, in {took}")
    if given.write:
        newest = kept(rows.values(), given.folder)
        PAGE.write_text(as_markdown(newest, subject))
        print(f"wrote {PAGE.relative_to(ROOT)}: {len(newest)} of {len(rows)} attacks")
    return 1 if bad else 0


def play(rows: Sequence[Row], folder: Path) -> list[Result]:
    """Carry all of them out on one chain, with a line for each as it ends."""
    results, at = [], commit()
    with Anvil() as chain:
        stage = Stage(chain, folder.resolve())
        for number, row in enumerate(rows, start=1):
            print(f"[{number}/{len(rows)}] {row.name} … ", end="", flush=True)
            results.append(carry_out(stage, row, at))
            keep(results[-1], folder)
            outcome = f"{'ok' if results[-1].is_good else 'BAD'} ({results[-1].seconds:.0f} s)"
            print(outcome + _progress([result.seconds for result in results], len(rows) - number), flush=True)
    return results


def _progress(seconds: Sequence[float], left: int) -> str:
    """The time that has passed, and an estimate of the time to come. Empty after the last attack."""
    if not left:
        return ""
    passed, to_come = (timedelta(seconds=round(time)) for time in (sum(seconds), left * sum(seconds) / len(seconds)))
    return f", {passed} so far, about {to_come} to go"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
