"""Examples to tokens: the spec's template around the prompt, the completion behind it, then end of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from fedprotocol.spec import Prompt

from fednode.base_model import embedded_tokens, load_skeleton, load_tokenizer
from fednode.base_model.tokenizer import start_of_text
from fednode.data.plain_text import EncodingError, PlainText

if TYPE_CHECKING:
    from fedprotocol.spec import Evaluation, Training
    from transformers import PreTrainedTokenizerBase

PLACE = "{prompt}"
"""Where the prompt goes in the template."""

_BEFORE = "a"
"""What a word is written behind to see its tokens behind a space; the first letter that every vocabulary has."""


@dataclass(frozen=True)
class Example:
    """Token ids of template, prompt and answer; the answer starts at `prompt_length`, which is >= 1."""

    input_ids: list[int]
    prompt_length: int
    truncated: bool
    answer_cut: bool

    @property
    def answer_length(self) -> int:
        return len(self.input_ids) - self.prompt_length


class Encoder:
    """Tokenizer, prompt template and sequence length of one spec.

    Prompt and answer are tokenised apart, so that an answer is learned after exactly the tokens from which generation
    starts. A row that is too long loses the end of its prompt, never the template around it; the answer is cut only if
    it does not fit alone. Control tokens come from the template and from here, never from the text of a row.

    Of the spec's `join`, a last space belongs to the answer, because tokenizers make one token of a space and the word
    behind it; all else belongs to the prompt. `_answer` is the only place that makes tokens of answers and of classes.
    """

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, template: str, sequence_length: int, join: str | None = None
    ) -> None:
        """`join`: as in a spec's prompt. Raises EncodingError if the tokenizer cannot be used, has no end of text, or
        the template leaves no room."""
        self._text = PlainText(tokenizer)
        self._prompt = Prompt(template=template) if join is None else Prompt(template=template, join=join)
        self._after_space = (join or "").endswith(" ")
        template += (join or "").removesuffix(" ")
        if tokenizer.eos_token_id is None:
            raise EncodingError("the base model's tokenizer has no end-of-text token; choose another base model")
        self._tokenizer: Any = tokenizer
        self._template = self._text.with_control(template)
        self._length = sequence_length
        self._eos = int(tokenizer.eos_token_id)
        self._start: list[int] = []
        frame = self._render("")
        plain = self._tokenizer(template.replace(PLACE, ""), add_special_tokens=False)["input_ids"]
        if frame != (list(plain) or [self._eos]):
            raise EncodingError(
                "prompt.template: the base model's tokenizer does not read its special tokens apart from the text "
                "around them; write it without them"
            )
        start = start_of_text(tokenizer)
        if self._tokens(self._template.partition(PLACE)[0])[:1] != start:  # the template may begin with it
            self._start = start
            frame = self._render("")
        self._frame = frame
        if len(frame) + 2 > sequence_length:
            raise EncodingError(
                f"the prompt template takes {len(frame)} of the {sequence_length} tokens of training.sequence_length: "
                "no room for an answer; raise the one or shorten the other"
            )

    @property
    def eos_id(self) -> int:
        return self._eos

    @property
    def pad_id(self) -> int:
        """End of text: padding is masked, so that any token does, and the model need not know the tokenizer's own."""
        return self._eos

    def check_fits(self, embedded: int) -> None:
        """Raises EncodingError if a row can become a token that is not among the model's first `embedded` ones."""
        of_spec = {*self._start, *self._frame, self._eos}
        highest, token = max(self._text.last, (max(of_spec), self._tokenizer.convert_ids_to_tokens(max(of_spec))))
        if highest >= embedded:
            raise EncodingError(
                f"the base model's tokenizer makes the token {token!r} with the id {highest}, but the model knows "
                f"{embedded} tokens, 0 to {embedded - 1}: the two do not belong together; use the tokenizer of these "
                "weights"
            )

    def control_tokens_in(self, text: str) -> set[str]:
        """The strings in `text` that are control tokens to the tokenizer; they are encoded as the text they are."""
        return self._text.control_tokens_in(text)

    def prompt(self, prompt: str, room: int = 1) -> tuple[list[int], bool]:
        """Token ids that an answer of `room` tokens follows, and whether the prompt was cut to leave that room."""
        prompt = self._prompt.trimmed(prompt)
        ids = self._render(prompt)
        truncated = False
        while (over := len(ids) + room - self._length) > 0 and prompt:
            truncated = True
            starts = self._text.starts(prompt)
            end = starts[-over] if over < len(starts) else 0
            prompt = prompt[: min(end, len(prompt) - 1)]
            ids = self._render(prompt)
        return ids, truncated

    def example(self, prompt: str, completion: str, end: bool = True) -> Example:
        """Template, prompt and answer; `end`: with the end of text, which training teaches and evaluation leaves out.

        Raises EncodingError if the tokenizer makes nothing of the completion.
        """
        answer = self._answer(completion)
        if not answer:
            raise EncodingError(f"the base model's tokenizer makes no token of the completion {completion!r}")
        if end:
            answer.append(self._eos)
        ids, truncated = self.prompt(prompt, room=len(answer))
        room = self._length - len(ids)
        return Example(ids + answer[:room], len(ids), truncated, answer_cut=len(answer) > room)

    def first_token(self, text: str) -> int | None:
        """The token that an answer begins with; None if the tokenizer makes nothing of it."""
        return next(iter(self._answer(text)), None)

    def first_tokens(self, classes: Sequence[str]) -> list[int]:
        """The token that each class begins with, in the order of `classes`.

        Raises EncodingError if two begin alike: one forward pass could not tell them apart.
        """
        owner: dict[int, str] = {}
        for name in classes:
            tokens = self._answer(name)
            if not tokens:
                raise EncodingError(f"evaluation.classes: {name!r} has no tokens")
            if tokens[0] in owner:
                raise EncodingError(
                    f"evaluation.classes: {owner[tokens[0]]!r} and {name!r} begin with the same token "
                    f"{self.decode(tokens[:1])!r} and cannot be told apart by it; {self._way_out(classes)}"
                )
            owner[tokens[0]] = name
        return list(owner)

    def _way_out(self, classes: Sequence[str]) -> str:
        """A hint for classes that begin alike. Tokenizers that put a space before every text (Llama 2's) turn a space
        that is already there into a separate token."""
        bare = [self._tokens(name.lstrip(" "))[:1] for name in classes]
        if self._after_space and len(set(map(tuple, bare))) == len(bare):
            return 'for this tokenizer the space is a token of its own: set prompt.join to "\\n"'
        if all(name.startswith(" ") for name in classes) and len(set(map(tuple, bare))) == len(bare):
            return "leave the leading space out for this tokenizer, here and in the data"
        return "rename one"

    def decode(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))

    def shown(self, example: Example) -> tuple[str, str]:
        """What the model sees of an example and what of it it learns, as text, control tokens too."""
        whole, prompt = (
            str(self._tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))
            for ids in (example.input_ids, example.input_ids[: example.prompt_length])
        )
        return prompt, whole.removeprefix(prompt)

    def are_cut(self, prompts: Sequence[str], answer_lengths: Sequence[int]) -> list[bool]:
        """Whether each prompt would be cut for an answer of so many tokens, its end of text among them: what `prompt`
        says, faster for many."""
        rooms = [self._length - len(self._start) - length for length in answer_lengths]
        texts = [self._template.replace(PLACE, self._prompt.trimmed(prompt)) for prompt in prompts]
        unsure = [
            i for i, text in enumerate(texts) if (most := self._text.most_tokens(text)) is None or most > rooms[i]
        ]
        counts = dict(zip(unsure, self._text.counts([texts[i] for i in unsure]), strict=True))
        return [counts.get(i, 0) > room for i, room in enumerate(rooms)]

    def answer_length(self, completion: str) -> int:
        """How many tokens a completion takes, without its end of text."""
        return len(self._answer(completion))

    @property
    def room(self) -> int:
        """The tokens that a prompt (with nothing but the template left of it) leaves to an answer and its end."""
        return self._length - len(self._frame)

    def _answer(self, completion: str) -> list[int]:
        """Tokens of a completion behind the prompt.

        Tokenizers differ in what a space at the beginning of a text becomes; some put one there by themselves. What
        they make of a word behind a space is what counts, so the word is written behind another one.
        """
        text = self._prompt.trimmed(completion)
        if not self._after_space or not text:
            return self._tokens(text)
        before, whole = self._tokens(_BEFORE), self._tokens(f"{_BEFORE} {text}")
        return whole[len(before) :] if whole[: len(before)] == before else self._tokens(f" {text}")

    def _tokens(self, text: str) -> list[int]:
        return self._text.tokens(text)

    def _render(self, prompt: str) -> list[int]:
        """Tokens of the filled template, with the start of text once and at least one token."""
        return [*self._start, *self._tokens(self._template.replace(PLACE, prompt))] or [self._eos]


class Worded(Protocol):
    """What of a spec, finished or not, says how examples become tokens."""

    @property
    def prompt(self) -> Prompt: ...
    @property
    def training(self) -> Training: ...
    @property
    def evaluation(self) -> Evaluation: ...


def load_encoder(spec: Worded, folder: Path) -> Encoder:
    """The encoder of `spec` with the tokenizer of the base model in `folder`; loads no weights.

    Raises BaseModelMissing, BaseModelError, and EncodingError also if two of the spec's classes begin with the same
    token, or if the tokenizer makes tokens that the model does not know.
    """
    prompt = spec.prompt
    encoder = Encoder(load_tokenizer(folder), prompt.template, spec.training.sequence_length, prompt.join)
    encoder.check_fits(embedded_tokens(load_skeleton(folder)))
    if spec.evaluation.classes is not None:
        encoder.first_tokens(spec.evaluation.classes)
    return encoder
