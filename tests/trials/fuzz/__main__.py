"""`python -m fuzz [NAME …]`: fuzz parsers, one after the other; exits 1 if there is a finding. `--list` names them."""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from fuzz.campaign import PARSERS, Campaign, Figures, fuzz, replay
from fuzz.table import RECORDED, as_markdown, as_text, total

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs/fuzzing.md"
CORPORA = ROOT / ".cache/fuzz"
FINDINGS = ROOT / "runs/fuzz"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    parser.add_argument("--list", action="store_true", help="name the parsers and do nothing")
    parser.add_argument("--runs", type=int, default=0, help="inputs to each")
    parser.add_argument("--seconds", type=int, default=0, help="for each; what is reached first ends it (default 60)")
    parser.add_argument("--seed", type=int, default=random.randrange(1, 1 << 31))
    parser.add_argument("--replay", type=Path, metavar="FILE", help="give the one parser named this input again")
    parser.add_argument("--write", action="store_true", help=f"record in {PAGE.relative_to(ROOT)} (of a run of all)")
    given = parser.parse_args(arguments)
    if unknown := set(given.names) - PARSERS.keys():
        parser.error(f"no parser {', '.join(sorted(unknown))}; --list names them")
    if given.write and given.names:
        parser.error("--write takes a run of all parsers")
    if given.list:
        for name, about in PARSERS.items():
            print(f"{name:<12} {about}")
        return 0
    if given.replay:
        if len(given.names) != 1:
            parser.error("--replay takes the name of the one parser")
        return 1 if replay(given.names[0], given.replay.resolve(), FINDINGS / given.names[0]) else 0
    bounded = given.runs or given.seconds
    campaign = Campaign(given.runs, given.seconds if bounded else 60, given.seed)
    try:
        results = play(given.names or list(PARSERS), campaign)
    except KeyboardInterrupt:
        print("\ninterrupted")
        return 130
    print(f"\n{as_text(results)}\n\n{total(results)}; seed {campaign.seed}")
    for figures in results:
        if figures.failed:
            file = figures.inputs_found[-1] if figures.inputs_found else None
            again = (
                f'make fuzz FUZZ="{figures.name} --replay {file}"' if file else f"see {FINDINGS / figures.name / 'log'}"
            )
            print(f"\n{figures.name}: {figures.finding}\n  {again}")
    if given.write:
        head = PAGE.read_text().partition(RECORDED)[0]
        PAGE.write_text(
            head + RECORDED + as_markdown(results, f"{datetime.now(UTC):%Y-%m-%d}", _commit(), campaign.seed)
        )
        print(f"wrote {PAGE.relative_to(ROOT)}")
    return 1 if any(figures.failed for figures in results) else 0


def play(names: Sequence[str], campaign: Campaign) -> list[Figures]:
    results = []
    for number, name in enumerate(names, start=1):
        print(f"[{number}/{len(names)}] {name} … ", end="", flush=True)
        results.append(fuzz(name, campaign, CORPORA / name, FINDINGS / name))
        print(f"{results[-1].inputs:,} inputs, {results[-1].finding or 'no finding'}", flush=True)
    return results


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
