"""What each action in the background does, as a function for its thread."""

from __future__ import annotations

from collections.abc import Callable

from fedprotocol.chain.snapshot import RoundState, Snapshot

from fednode.daemon import actions as do
from fednode.daemon.background import Work
from fednode.daemon.facts import Checked, Facts, Verdict
from fednode.daemon.fetching import Fetching, Finding
from fednode.daemon.model_work import ModelWork

Found = Callable[[do.CheckInputs, Finding], None]
"""Is told of every finding, in the fetcher's thread."""


class Jobs:
    """Binds actions to the state that they were decided on."""

    def __init__(self, model: ModelWork, fetching: Fetching, found: Found) -> None:
        self._model = model
        self._fetching = fetching
        self._found = found

    def of(self, action: do.ModelAction | do.FetchAction, chain: Snapshot, facts: Facts) -> Work:
        model, fetching = self._model, self._fetching
        match action:
            case do.Train():
                return lambda stop: model.train(action, stop)
            case do.Evaluate():
                return lambda stop: model.evaluate(action, stop)
            case do.TrainSolo(number):
                previous = max((done for done in facts.solo_trained if done < number), default=0)
                return lambda stop: model.train_solo(action, previous, stop)
            case do.EvaluateSolo():
                return lambda stop: model.evaluate_solo(action, stop)
            case do.CheckInputs(number, inputs_hash):
                state = _state(chain, number)
                known = facts.checked.get(number, Checked(inputs_hash, {}))
                final = known.verdicts if known.inputs_hash == inputs_hash else {}
                wanted = [i for i in range(len(state.updates)) if final.get(i, Verdict.ABSENT) is Verdict.ABSENT]
                return lambda stop: fetching.check_inputs(
                    state, wanted, lambda finding: self._found(action, finding), stop
                )
            case do.Recompute(number):
                merged = _state(chain, number)
                return lambda _: fetching.recompute(merged)
            case do.FetchGlobal():
                return lambda _: fetching.fetch_global(action.root)
            case do.Release():
                return lambda _: fetching.release(action)
            case do.JudgeProposal():
                return lambda _: fetching.judge(action)
            case do.BuildCase(number):
                disputed = _state(chain, number)
                return lambda _: fetching.build_case(disputed, action, facts.recomputed[number], chain.account)


def _state(chain: Snapshot, number: int) -> RoundState:
    return next(state for state in chain.rounds if state.number == number)
