"""What each action in the background does, as a function for its thread."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from fedprotocol.chain.read.snapshot import RoundState, Snapshot
from fedprotocol.program.background import Body
from fedprotocol.store.deadline import Deadline

from fednode.daemon import actions as do
from fednode.daemon.attesting import in_order, seconds_to_check
from fednode.daemon.facts import Checked, Facts, Verdict
from fednode.daemon.fetching import Fetching, Finding
from fednode.daemon.model_work import ModelWork

Found = Callable[[do.CheckInputs, Finding], None]
"""Is told of every finding, in a thread of the background."""


class Jobs:
    """Binds actions to the state that they were decided on."""

    def __init__(self, model: ModelWork, fetching: Fetching, found: Found) -> None:
        self._model = model
        self._fetching = fetching
        self._found = found

    def of(self, action: do.Work, chain: Snapshot, facts: Facts) -> Body:
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
                seconds = seconds_to_check(chain, state, facts.attest_margin)
                order = in_order(state, wanted)
                told = partial(self._found, action)
                return lambda stop: fetching.check_inputs(state, order, told, Deadline(seconds, stop))
            case do.Recompute(number):
                merged = _state(chain, number)
                return lambda stop: fetching.recompute(merged, Deadline(stop=stop))
            case do.FetchGlobal():
                return lambda stop: fetching.fetch_global(action.root, Deadline(stop=stop))
            case do.Release():
                return lambda stop: fetching.release(action, Deadline(stop=stop))
            case do.JudgeProposal(number):
                judged = _state(chain, number)
                return lambda stop: fetching.judge(judged, action, Deadline(stop=stop))
            case do.BuildCase(number):
                disputed = _state(chain, number)
                own_root = facts.recomputed[number]
                return lambda stop: fetching.build_case(disputed, action, own_root, chain.account, Deadline(stop=stop))


def _state(chain: Snapshot, number: int) -> RoundState:
    return next(state for state in chain.rounds if state.number == number)
