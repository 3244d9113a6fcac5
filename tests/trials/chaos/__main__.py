"""`make chaos`: a federation of tiny models on anvil and Kubo that is injured all the time, and what came out."""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from support.end_at_sigterm import end_at_sigterm
from support.evm import ROOT

from chaos.plan import plan
from chaos.report import as_markdown, as_text
from chaos.run import Chaos
from chaos.world import AGGREGATOR, World

PAGE = ROOT / "docs/chaos.md"
RECORDED, AFTER = "## Recorded\n", "## What runs found\n"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument(
        "--seed",
        type=int,
        help="seed of the plan (default: a new one, printed)",
    )
    parser.add_argument("--rounds", type=int, default=20, help="number of rounds that must be settled (default: 20)")
    parser.add_argument("--kills", type=int, default=100, help="how many programs are killed at least (default: 100)")
    parser.add_argument("--minutes", type=float, default=60, help="minutes after which it has failed (default: 60)")
    parser.add_argument("--nodes", type=int, default=3, help="number of sites that train (default: 3)")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "runs/chaos", help="folder of logs, journals, injuries.jsonl"
    )
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    given = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(1 << 32) if given.seed is None else given.seed
    print(f"chaos, seed {seed}; logs in {given.folder}", flush=True)

    def say(line: str) -> None:
        print(line, flush=True)

    with World(given.folder.resolve(), given.nodes, rounds=4 * given.rounds) as world:
        if not world.small_disks:
            say("not root: no disk is filled")
        world.start()
        for program in world.programs.values():
            program.wait_until_acting(120)
        chaos = Chaos(world, plan(seed, world.names, AGGREGATOR), seed, say)
        outcome = chaos.run(given.rounds, given.kills, 60 * given.minutes)
    print("\n" + as_text(seed, chaos.done, outcome))
    if given.write:
        record = as_markdown(seed, chaos.done, outcome, f"{datetime.now(UTC):%Y-%m-%d}", _commit())
        head, _, rest = PAGE.read_text().partition(RECORDED)
        PAGE.write_text(f"{head}{RECORDED}\n{record}\n{AFTER}{rest.partition(AFTER)[2]}")
    return 0 if outcome.is_good and not chaos.done.ended else 1


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    end_at_sigterm()
    sys.exit(main(sys.argv[1:]))
