"""Results as a table: on the terminal, and as a page of docs/."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence

from support.live_federation import CONFIG

from attacks.judge import Account, amount
from attacks.run import Result

HEADS = ("attack", "what happened", "who paid", "who was paid", "honest harmed?", "s")
WIDTHS = (22, 58, 26, 26, 14, 4)  # 160 with the gaps


def cells(result: Result) -> tuple[str, ...]:
    """One row's six cells."""
    if result.error:
        return (result.row.title, f"NOT CARRIED OUT: {result.error}; logs: {result.logs}", "?", "?", "?", _s(result))
    parties = [account for account in result.accounts if account.name != "sponsor"]
    paid = [f"{a.name} {amount(-a.change)}" for a in parties if a.change < 0]
    got = [f"{a.name} {amount(a.change)}" for a in parties if a.change > 0]
    harm = "; ".join(result.convictions) or "no"
    return (result.row.title, result.happened, _list([*paid, gas(parties)]), _list(got), harm, _s(result))


def gas(accounts: Sequence[Account]) -> str:
    """What everybody's transactions used."""
    sums = {kind: sum(a.gas for a in accounts if a.honest is kind) for kind in (True, False)}
    return f"gas: honest {sums[True] / 1e6:.1f}M, dishonest {sums[False] / 1e6:.1f}M"


def as_text(results: Iterable[Result]) -> str:
    """For the terminal."""
    lines = [_line(HEADS), _line(["-" * width for width in WIDTHS])]
    for result in results:
        wrapped = [textwrap.wrap(cell, width) or [""] for cell, width in zip(cells(result), WIDTHS, strict=True)]
        height = max(map(len, wrapped))
        columns = [column + [""] * (height - len(column)) for column in wrapped]
        lines += [_line(parts) for parts in zip(*columns, strict=True)] + [""]
    return "\n".join(lines)


def as_markdown(results: Sequence[Result], subject: Callable[[str], str] = lambda _: "") -> str:
    """The page docs/attacks.md. `subject`: what a commit's message begins with."""
    seconds = sum(result.seconds for result in results)
    days = sorted({result.day for result in results})
    when = " to ".join(dict.fromkeys((days[0], days[-1])))
    lines = [
        "# Attacks, live",
        "",
        "Written by `make attacks ATTACKS=--write` from the newest result of each attack; do not edit. "
        f"{len(results)} attacks, {when}, {seconds:,.0f} s in all on one machine{_at(results, subject)}. "
        "Each has a federation of its own on one anvil, with the programs that operators start; "
        "[how it is judged, and what came out otherwise under earlier rules](../tests/trials/attacks/README.md).",
        "",
        "Amounts are tokens: what a party has more or less than before, stake, bonds and what it is owed included. "
        f"A round pays {amount(CONFIG['roundReward'])}, a first bond is {amount(CONFIG['bondBase'])}, a penalty "
        f"{amount(CONFIG['penalty'])}; the sponsor's purse is judged too, and not shown.",
        "",
        "| " + " | ".join(HEADS) + " |",
        "|" + "---|" * len(HEADS),
    ]
    lines += ["| " + " | ".join(_escaped(cell) for cell in cells(result)) + " |" for result in results]
    lines += ["", "## What each one does", ""]
    lines += [f"- **{result.row.title}** (`{result.row.name}`): {result.row.description}" for result in results]
    return "\n".join(lines) + "\n"


def _at(results: Sequence[Result], subject: Callable[[str], str]) -> str:
    """Which commits were checked out, and which attacks ran at which if not all at the same."""
    names: dict[str, list[str]] = {}
    for result in results:
        names.setdefault(result.commit, []).append(result.row.name)
    words = {commit: f"`{commit}`" + (f" ({said})" if (said := subject(commit)) else "") for commit in names}
    most = max(names, key=lambda commit: len(names[commit]))
    others = [f"at {words[commit]}: {', '.join(which)}" for commit, which in names.items() if commit != most]
    return "; ".join([f", at commit {words[most]}", *others])


def _line(parts: Sequence[str]) -> str:
    return "  ".join(part.ljust(width) for part, width in zip(parts, WIDTHS, strict=True)).rstrip()


def _list(parts: Sequence[str]) -> str:
    return "; ".join(parts) or "nobody"


def _s(result: Result) -> str:
    return f"{result.seconds:.0f}"


def _escaped(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
