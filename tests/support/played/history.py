"""Rounds of a played federation one after the other, each by its plan; the next one begins while a window is open."""

from __future__ import annotations

from dataclasses import dataclass, field

from fedprotocol.types import Phase
from support.played.federation import PlayedFederation
from support.played.plan import ORDINARY, Plan
from support.played.round import PlayedRound


@dataclass
class History:
    """Everything that was played so far. The last round is open, unless it is void or `finish` was called."""

    federation: PlayedFederation
    rounds: list[PlayedRound] = field(default_factory=list)
    _planned: PlayedRound | None = None  # opened by those who were misled
    _concluded: int = 0  # rounds whose end has been dealt with

    def play(self, plan: Plan = ORDINARY, following: Plan = ORDINARY, until: Phase = Phase.CHALLENGE) -> PlayedRound:
        """Begin one more round, and go on to the phase `until` (where half of the clients have acted), or until it is
        void. `following`: the plan of the round after it, which may begin in this one. If this one is abandoned, it is
        void too, and the next call begins the one after that.
        """
        self._conclude()  # or who is suspended by it would commit
        if self._planned is None:
            self._add(plan, self._prior_root())
        self._planned = None
        return self.go_on(until, following)

    def go_on(self, until: Phase, following: Plan = ORDINARY) -> PlayedRound:
        """With the round that was begun last."""
        round_ = self.rounds[-1]
        half = len(round_.members) // 2
        if round_.view.phase is Phase.NONE:
            round_.commit(half)
        steps = {Phase.TRAIN: round_.commit, Phase.REVEAL: round_.reveal, Phase.ATTEST: round_.attest}
        while (phase := round_.view.phase) is not until and not phase.settled:
            if phase in steps:
                self._conclude()
                steps[phase]()
                round_.pass_phase(phase)
            elif phase is Phase.WAITING:
                self._pass_window(self.rounds[-2])
            elif phase is Phase.AGGREGATE:
                self._aggregate(round_, following)
                if round_.plan.abandoned:
                    return round_
            else:
                self._pass_window(round_)
        if phase in (Phase.REVEAL, Phase.ATTEST):
            steps[phase](half)
        return round_

    def finish(self) -> None:
        """Let the last round be settled, and what follows from it be written down."""
        self._pass_window(self.rounds[-1])
        self._conclude()

    # ------------------------------------------------------------------- steps

    def _add(self, plan: Plan, prior_root: bytes) -> PlayedRound:
        round_ = PlayedRound(self.federation, len(self.rounds) + 1, plan, prior_root, self.federation.members)
        self.rounds.append(round_)
        return round_

    def _prior_root(self) -> bytes:
        """The global that the next round goes on from, as every honest client knows it."""
        if self.rounds and self.rounds[-1].view.phase is Phase.CHALLENGE:
            return self.rounds[-1].right_root
        return self.federation.coordinator.latest_final("latest")[1]

    def _pass_window(self, round_: PlayedRound) -> None:
        """To the end of the window, the shorter one if commits agree."""
        config, view = self.federation.config, round_.view
        if view.phase is Phase.CHALLENGE:
            shorter = view.phase_end - config.challenge_length + config.min_window
            self.federation.blocks.wait_until(shorter)
            round_.pass_phase(Phase.CHALLENGE)

    def _aggregate(self, round_: PlayedRound, following: Plan) -> None:
        f, plan = self.federation, round_.plan
        if plan.abandoned:
            self._abandon(round_, following)
            return
        liars = [f.liar, *f.others]
        lies = [round_.propose_wrongly(liars[i], 7 * i) for i in range(plan.lies)]
        if lies and following.misled:
            self._planned = self._add(following, round_.expected_root)
            self._planned.commit_to(lies[0], [c for c in self._planned.members if c.number in following.misled])
        round_.propose(f.aggregator)
        for i, lie in enumerate(lies):
            round_.convict(lie, f.watchtower, carried=plan.carried and i == 0)
        if plan.late_lie:
            round_.propose_wrongly(liars[plan.lies], 3)

    def _abandon(self, round_: PlayedRound, following: Plan) -> None:
        f, end = self.federation, round_.view.phase_start
        after = self._add(following, f.coordinator.latest_final("latest")[1])
        after.commit()
        f.blocks.wait_until(end + f.config.abandon_after)
        f.step([f.send(f.sponsor, "abandon", round_.number)])

    def _conclude(self) -> None:
        """What follows from rounds that are settled: who is paid, and whose penalties are taken."""
        f = self.federation
        while self._concluded < len(self.rounds):
            round_ = self.rounds[self._concluded]
            phase = round_.view.phase
            if not phase.settled:
                return
            self._concluded += 1
            if phase is Phase.FINAL:
                f.owed |= {round_.proposer, *(c.address for c in round_.paid)}
            if guilty := round_.guilty:
                f.settle(guilty)
            if round_.plan.late_lie:
                f.step([f.send(f.liar, "settle", [f.liar, *f.others][round_.plan.lies])])
