"""What must be true if a demo has worked, as a pure function of what was collected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fedprotocol.chain.amounts import Amounts

from fedlab.demo.history import History
from fedlab.results.records import Summary


def failures(
    history: History,
    summary: Summary,
    rounds: int,
    accounts: Mapping[str, str],
    rechecked: Mapping[int, str],
    amounts: Amounts,
) -> list[str]:
    """Everything that went wrong, in words; empty if the run was a success.

    Args:
        rounds: how many rounds should have become final.
        accounts: Address of each client -> its name.
        rechecked: Final round -> what was wrong with its audit bundle; an empty text if nothing was.
        amounts: How the token is written.
    """
    found = [f"round {number} was void: {reason}" for number, reason in history.void.items()]
    if len(history.final) < rounds:
        found.append(f"only {len(history.final)} of {rounds} rounds became final")
    last = max((done.number for done in history.final), default=0)
    for done in history.final:
        wrong = rechecked.get(done.number, "no audit bundle was written")
        if wrong:
            found.append(f"round {done.number} was not confirmed by an independent recomputation: {wrong}")
        left_out = [name for address, name in accounts.items() if address not in done.weights]
        if left_out:
            found.append(f"round {done.number} went without {_names(left_out)}")
        if done.dissenters:
            found.append(
                f"{_names([accounts.get(a, a) for a in done.dissenters])} computed another global {done.number}"
            )
        silent = [name for a, name in accounts.items() if a not in done.recomputed_by and a not in done.dissenters]
        if silent and done.number != last:
            found.append(f"{_names(silent)} did not confirm global {done.number} with a commit")
    found += [f"{accounts.get(a, a)} was penalised in round {number}: {why}" for number, a, why in history.penalties]
    found += [f"a proposal of {a} in round {number} was convicted" for number, a in history.convicted]
    for address in dict.fromkeys([*accounts, *history.rewards, *history.bonds]):
        name = accounts.get(address, address)
        due = history.rewards.get(address, 0) + history.bonds.get(address, 0)
        if not due or history.paid.get(address) != due:
            found.append(f"{name} claimed {amounts(history.paid.get(address, 0))} of {amounts(due)} that it is due")
    if summary.final_loss >= summary.initial_loss:
        found.append(f"the loss did not fall: {summary.initial_loss:.3f} at first, {summary.final_loss:.3f} at the end")
    return found


def _names(names: Sequence[str]) -> str:
    return ", ".join(sorted(names))
