"""The histories of all rounds, brought up to date with each look: the same as when they are all made at once."""

from __future__ import annotations

import random

import pytest
from fedexplorer.history.all_rounds import Rounds
from fedexplorer.history.log import Log
from support.model_histories import Played


def look(played: Played, rounds: Rounds, log: Log) -> Rounds:
    views = {number: played.model.round_view(number) for number in played.model.rounds}
    return rounds.then(log, played.config, played.model.now, views)


@pytest.mark.parametrize("seed", range(3))
def test_each_look_finds_what_a_first_look_would(seed: int) -> None:
    """Also after events were taken back by a re-org."""
    played, dice = Played(seed), random.Random(seed)
    rounds, log, made_again = Rounds(), Log(), 0
    for step in range(120):
        played.step()
        log = log.extended(played.log[len(log) :])
        before, rounds = rounds, look(played, rounds, log)
        assert rounds.all == look(played, Rounds(), log).all
        settled = [h for h in before.all if h.settled is not None]
        made_again += sum(all(h is not other for other in rounds.all) for h in settled)
        if step % 10 == 9:
            gone = dice.randrange(1, 9)
            shorter = log.kept_by(lambda event, last=log[-gone]: event.log_index < last.log_index)
            log = shorter.extended(played.log[len(shorter) :])
    assert len(rounds.all) == played.model.last_opened() > 3
    assert 0 < made_again < len(played.named("Rewarded")) + len(played.named("Penalized")) + 40
    assert rounds.number(0) is None and rounds.number(len(rounds.all) + 1) is None
    assert [rounds.number(history.number) for history in rounds.all] == list(rounds.all)
