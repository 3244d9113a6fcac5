"""The table at the end."""

from __future__ import annotations

from collections.abc import Iterator

from attacks.judge import amount

from chaos.outcome import Done, Outcome
from chaos.plan import Kind


def as_text(seed: int, done: Done, outcome: Outcome) -> str:
    rows = list(_rows(seed, done, outcome))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def as_markdown(seed: int, done: Done, outcome: Outcome, day: str, commit: str) -> str:
    lines = [
        f'`make chaos CHAOS="--seed {seed}"` at {commit}, {day}.',
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in _rows(seed, done, outcome)),
        "",
    ]
    return "\n".join(lines)


def _rows(seed: int, done: Done, outcome: Outcome) -> Iterator[tuple[str, str]]:
    yield "seed", str(seed)
    yield "minutes of injuries", f"{done.seconds / 60:.1f}"
    for kind in Kind:
        if done.injuries[kind]:
            yield kind.value, f"{done.injuries[kind]}{_recovery(done, kind)}"
    yield "kills in total", str(done.kills)
    yield "injuries in total", str(done.injuries.total())
    yield "requests that were disturbed on purpose", str(done.felt)
    yield "phases during which the aggregator was gone", ", ".join(sorted(done.vanished)) or "none"
    yield "rounds that ended final", str(outcome.final)
    yield "rounds that ended void", ", ".join(f"{count} ({why})" for why, count in outcome.voids.items()) or "0"
    yield "honest updates not accepted", str(outcome.rejected)
    yield "penalties paid by honest nodes", str(outcome.penalties)
    payouts = ", ".join(f"{name} {amount(units)}" for name, units in outcome.payouts.items())
    yield "wrong payouts", payouts or "0"
    yield "programs that gave up at the start and were started again, as systemd would", str(done.restarts)
    yield "programs that ended in another way, or needed help", "; ".join(done.ended) or "0"
    yield "broken rules", "; ".join(outcome.broken) or "nothing"
    longest = max((max(times) for times in done.recoveries.values()), default=0.0)
    yield "longest recovery", f"{longest:.1f} s"


def _recovery(done: Done, kind: Kind) -> str:
    times = sorted(done.recoveries.get(kind, ()))
    if not times:
        return ""
    return f", acting again after {times[len(times) // 2]:.1f} s (median), {times[-1]:.1f} s at most"
