"""The base model with its adapter, loaded once per daemon: set, train, evaluate, generate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from fedprotocol.program.environment import settled
from fedprotocol.quantities import size
from fedprotocol.spec import Spec

from fednode.base_model import check_length, check_model, held_as, load_base, locate, positions, seen_length
from fednode.data.encode import Encoder, load_encoder
from fednode.data.encoded_rows import Drawn, Kept
from fednode.evaluation.score import Evaluation, ItemScore, OnProgress, summarize
from fednode.training.adapter import (
    attach,
    changed_units,
    check_layout,
    read_values,
    require_change,
    require_in_range,
    tensors_by_name,
    write_units,
    write_values,
)
from fednode.training.batches import Batches
from fednode.training.new_objects import only_new_objects_collected
from fednode.training.schedule import learning_rate, round_seed
from fednode.training.types import (
    LIKELIEST,
    Answer,
    Choice,
    NotFinite,
    PrivateSteps,
    StepRecord,
    TrainingError,
    TrainResult,
)

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from datasets import Dataset
    from numpy.typing import NDArray
    from peft import PeftModel
    from transformers import PreTrainedModel

    from fednode.training.group import Group
    from fednode.training.secret_randomness import Randomness


SHARE = 128
"""Items that each of several processes scores before all of them look whether to go on."""


class AdapterModel:
    """A frozen base model and one float32 LoRA adapter in the layout of a spec. One user at a time."""

    def __init__(
        self,
        model: PeftModel,
        encoder: Encoder,
        parameters: Sequence[torch.nn.Parameter],
        held: str,
        group: Group | None = None,
    ) -> None:
        """`parameters`: the adapter's tensors in the spec's order; `held`: how the base model is. Use `load`."""
        self.held = held
        self._group = group
        self._model = model
        self._encoder = encoder
        self._kept = Kept(encoder)
        self._parameters = list(parameters)
        self._batches = Batches(model, self._parameters[0].device, encoder.pad_id)

    @classmethod
    @settled()
    @only_new_objects_collected()
    def load(
        cls, spec: Spec, source: str | None, device: str, threads: int, group: Group | None = None
    ) -> AdapterModel:
        """The spec's base model from `source` (folder, GGUF file or hub id; None: the spec's id), on "cpu" or "cuda",
        with `threads` CPU threads (of the whole process). The adapter is peft's initial one until `set_global`.
        `group`: the processes that train it together; each loads its own, and asks the same of it as the others.

        Raises BaseModelMismatch (not the spec's model), BaseModelMissing, DeviceMissing, BaseModelError,
        EncodingError, LayoutMismatch.
        """
        import torch

        torch.set_num_threads(threads)
        folder = locate(source or spec.base_model.id, None if source else spec.base_model.revision)
        check_model(spec.base_model, folder)
        encoder = load_encoder(spec, folder)
        if group is not None and group.shards:
            from fednode.training.sharded import divided_bytes, shard

            with group.turn():  # each has the whole model for a moment
                model, held = _adapted(spec, folder, device, "cpu")
                shard(model, group.mesh)
            held += f", {size(divided_bytes(model))} of its layers in each process"
        else:
            model, held = _adapted(spec, folder, device)
        by_name = tensors_by_name(model)
        return cls(model, encoder, [by_name[tensor.name] for tensor in spec.layout.tensors], held, group)

    @property
    def encoder(self) -> Encoder:
        return self._encoder

    @property
    def with_adapter(self) -> PreTrainedModel:
        """The base model as transformers knows it, with the present adapter in its layers; not to be trained."""
        self._model.eval()
        model: PreTrainedModel = self._model.get_base_model()
        return model

    @property
    def base_bytes(self) -> int:
        """What the frozen weights take in memory, quantisation's scales included; shared ones count once."""
        import torch

        storages = {}
        for name, value in self._model.state_dict().items():
            if "lora_" not in name and isinstance(value, torch.Tensor):
                storages[value.untyped_storage().data_ptr()] = value.untyped_storage().nbytes()
        return sum(storages.values())

    @property
    def seen_length(self) -> int | None:
        """Tokens of the longest text that the base model was made for; None: it does not say."""
        return seen_length(self._model.get_base_model())

    def set_global(self, units: NDArray[np.int32]) -> None:
        """Set the adapter to exactly `units * 2^-24`: int32 [value_count], layout order. Raises NumbersError."""
        write_units(self._parameters, units)

    def set_values(self, values: NDArray[np.float32]) -> None:
        """Set the adapter to `values`: float32 [value_count], layout order, on the grid of units or not."""
        write_values(self._parameters, values)

    def values(self) -> NDArray[np.float32]:
        """The adapter's values now: float32 [value_count], layout order."""
        return read_values(self._parameters)

    def train(
        self,
        spec: Spec,
        data: Dataset,
        round: int,
        seed: int,
        on_progress: OnProgress | None = None,
        on_step: Callable[[StepRecord], None] | None = None,
        start: NDArray[np.float32] | None = None,
        private: PrivateSteps | None = None,
        randomness: Randomness | None = None,
    ) -> TrainResult:
        """Train the adapter from its present values on `data` (columns prompt, completion) for one round.

        `start`, float32 [value_count]: begin at these values instead, with the factors that the round trains; what was
        changed still counts from the present ones.

        `private`: DP-SGD, with noise and draws of rows from `randomness`, by default a secret one. Everything but these
        losses and counts is then safe to send; those are exact.

        The optimiser starts fresh, the learning rate and the trained factors are the round's, the order of rows and the
        dropout follow from (seed, round). The model keeps the trained values; if anything fails, the adapter is what it
        was before. Only rows that are drawn are encoded.
        Raises TrainingError, NotFinite, Diverged, ZeroDelta, EncodingError (a row whose completion makes no token).
        """
        from fednode.training.trainer import run_steps

        if len(data) == 0:
            raise TrainingError("the data has no rows; give at least one")
        rows = Drawn(data, self._encoder)
        before = self.values()
        are_apart = private is not None and spec.training.batch_size > 1 and self._gradients_apart
        is_asked_together = self._group is not None and self._group.shards  # so that all of them ask at the same time
        is_padded = private is not None or (is_asked_together and not self._batches.packs)
        trained = [spec.lora.trains(tensor.name, round) for tensor in spec.layout.tensors]
        self._thaw(trained)
        try:
            begun = before
            if start is not None:
                sizes = [parameter.numel() for parameter in self._parameters]
                begun = np.where(np.repeat(trained, sizes), start, before)
                write_values(self._parameters, begun)
            with only_new_objects_collected():
                steps = run_steps(
                    self._model,
                    rows,
                    self._batches.padded if is_padded else self._batches.for_training,
                    spec.training,
                    learning_rate(spec.training, round),
                    round_seed(seed, round),
                    on_progress,
                    on_step,
                    private,
                    randomness,
                    are_apart,
                    self._group,
                )
            after = self.values()
            drawn = dict(rows.drawn)
            if self._group is not None:
                self._group.require_same(after)
                drawn = {row: cut for share in self._group.gather(drawn) for row, cut in share.items()}
            require_in_range(after)
            delta = changed_units(begun, after)
            require_change(delta)
            if begun is not before:
                delta = changed_units(before, after)
        except BaseException:
            write_values(self._parameters, before)
            raise
        finally:
            self._thaw([True] * len(self._parameters))
        return TrainResult(delta, steps[0].loss, steps[-1].loss, steps, len(drawn), sum(drawn.values()))

    def evaluate(self, spec: Spec, data: Dataset, on_progress: OnProgress | None = None) -> Evaluation:
        """Score `data` (columns prompt, completion, domain) with the present adapter, one forward pass an item.

        The loss is on the answer without its end of text: that a base model never ends there would drown the rest.
        Raises TrainingError (no rows), EncodingError, NotFinite if a loss is.
        """
        evaluation = summarize(self.item_scores(spec, data, on_progress))
        if not np.isfinite(evaluation.loss):
            raise NotFinite("the loss on the test data is not finite; the adapter is broken")
        return evaluation

    def item_scores(self, spec: Spec, data: Dataset, on_progress: OnProgress | None = None) -> list[ItemScore]:
        """As `evaluate`, the score of each row. Rows are encoded once, however often they are scored.

        Raises TrainingError (no rows), EncodingError.
        """
        from fednode.evaluation.run import passes, score

        if len(data) == 0:
            raise TrainingError("the data has no rows; give at least one")
        classes = spec.evaluation.classes
        tokens = None if classes is None else self._encoder.first_tokens(classes)
        domains = data["domain"] if "domain" in data.column_names else [None] * len(data)
        self._model.eval()
        examples, domains = list(self._kept.examples(data)), list(domains)
        if self._group is None:
            return score(self._batches.logits, examples, domains, tokens, self._batches.padded, on_progress)
        items: list[ItemScore] = []
        for own in self._group.shares(len(examples), SHARE):
            idle = self._group.passes_less(passes(len(examples[own])))
            share = score(self._batches.logits, examples[own], domains[own], tokens, self._batches.padded, None)
            self._pass_idly(idle)
            items += [item for each in self._group.gather(share) for item in each]
            if on_progress is not None:
                on_progress(len(items), len(examples))
        return items

    def generate(self, spec: Spec, prompt: str, max_new_tokens: int = 64) -> str:
        """What the model answers to `prompt` in the spec's template, greedily, as far as it has positions."""
        del spec  # the template was fixed at load
        question = self._encoder.question([("user", prompt)])
        return self.answer(self._encoder.prompt(question)[0], max_new_tokens).text

    def answer(
        self,
        ids: Sequence[int],
        most: int,
        choice: Choice = LIKELIEST,
        heard: Callable[[str], bool] | None = None,
    ) -> Answer:
        """How the model goes on after the tokens `ids` (of `encoder.prompt`): with at most `most` tokens, and no more
        than it has positions for. `choice`: of each token; default: the likeliest. `heard`: told the text so far,
        after each token; its answer is whether to go on."""
        from fednode.training.generation import continued

        longest = positions(self._model.get_base_model())
        most = most if longest is None else min(most, longest - len(ids))
        self._model.eval()

        def told(tokens: list[int]) -> bool:
            return heard is None or heard(self._encoder.decode(tokens))

        end = self._encoder.eos_id
        found = continued(self._model, ids, most, end, choice, told if heard else None)
        return Answer(self._encoder.decode(found).strip(), len(ids), len(found), end in found)

    def _pass_idly(self, times: int) -> None:
        import torch

        from fednode.training.sharded import pass_idly

        with torch.no_grad():
            for _ in range(times):
                pass_idly(self._model)

    def _thaw(self, trained: Sequence[bool]) -> None:
        for parameter, is_trained in zip(self._parameters, trained, strict=True):
            parameter.requires_grad_(is_trained)

    @cached_property
    def _gradients_apart(self) -> bool:
        """To be asked while the whole adapter is trainable."""
        from fednode.training.row_gradients import keeps_gradients_apart

        return keeps_gradients_apart(self._model, self._parameters, self._batches.logits, self._batches.padded)


def _adapted(spec: Spec, folder: Path, device: str, at: str | None = None) -> tuple[PeftModel, str]:
    """The base model for `device`, with the spec's adapter, and how it is held. `at`: see `load_base`."""
    base = load_base(folder, spec.quantization, device, at)
    held = held_as(base, spec.quantization)
    check_length(base, spec.training.sequence_length)
    model = attach(base, spec.lora)
    check_layout(model, spec.layout.tensors)
    return model, held
