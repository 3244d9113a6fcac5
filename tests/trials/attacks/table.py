"""Results as a table: on the terminal, and as a page of docs/."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence

from support.live_federation import CONFIG

from attacks.judge import Account, amount
from attacks.run import Result

HEADS = ("attack", "what happened", "who paid", "who was paid", "honest party harmed?", "seconds")
WIDTHS = (20, 54, 26, 23, 20, 7)  # 160 with the gaps


def cells(result: Result) -> tuple[str, ...]:
    """The six cells of a row."""
    if result.error:
        return (result.row.title, f"NOT CARRIED OUT: {result.error}; logs: {result.logs}", "?", "?", "?", _s(result))
    parties = [account for account in result.accounts if account.name != "sponsor"]
    paid = [f"{a.name} {amount(-a.change)}" for a in parties if a.change < 0]
    got = [f"{a.name} {amount(a.change)}" for a in parties if a.change > 0]
    harm = "; ".join(result.convictions) or "no"
    return (result.row.title, result.happened, _list([*paid, gas(parties)]), _list(got), harm, _s(result))


def gas(accounts: Sequence[Account]) -> str:
    """The gas that the transactions of honest and of dishonest parties used."""
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
    """The page docs/attacks.md. `subject` gives the first line of a commit's message."""
    seconds = sum(result.seconds for result in results)
    days = sorted({result.day for result in results})
    when = " to ".join(dict.fromkeys((days[0], days[-1])))
    lines = [
        "# Attacks, live",
        "",
        f"Here {len(results)} ways to cheat are carried out against the real programs on a real chain. The table says "
        "what happened, who lost and who gained. Each attack has a federation of its own on one local Ethereum node "
        "(anvil), with the programs that operators start. The [attacks' README](../tests/trials/attacks/README.md) "
        "says how they are judged, and which of them ended in another way under earlier rules.",
        "",
        '`make attacks ATTACKS="--kept --write"` writes this page from the newest result of each attack; '
        "do not edit it. "
        f"The attacks ran on one machine: {when}, {seconds:,.0f} s in total{_at(results, subject)}.",
        "",
        "Amounts are in tokens. They show by how much a party's tokens changed, including its stake, its bonds and "
        f"what it is owed. A round pays {amount(CONFIG['roundReward'])}, a first bond is "
        f"{amount(CONFIG['bondBase'])}, and a penalty is {amount(CONFIG['penalty'])}. The sponsor's tokens are "
        "checked too, but not shown. *Gas* is what the transactions of the honest and of the dishonest parties used, "
        "in millions (M).",
        "",
        "| " + " | ".join(HEADS) + " |",
        "|" + "---|" * len(HEADS),
    ]
    lines += ["| " + " | ".join(_escaped(cell) for cell in cells(result)) + " |" for result in results]
    lines += ["", "## What each one does", ""]
    lines += [f"- **{result.row.title}** (`{result.row.name}`): {result.row.description}" for result in results]
    return "\n".join(lines) + "\n"


def _at(results: Sequence[Result], subject: Callable[[str], str]) -> str:
    """The commits that were checked out, and which attacks ran at which commit if there are several."""
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
