"""Examples to tokens: what the spec puts around a prompt, the completion behind it, then what ends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from fedprotocol.spec import Prompt

from fednode.base_model import embedded_tokens, load_skeleton, load_tokenizer
from fednode.data.chat_wording import ChatWording
from fednode.data.messages import as_prompt
from fednode.data.plain_text import EncodingError, PlainText
from fednode.data.template_wording import TemplateWording
from fednode.data.turns import Turn, as_text
from fednode.data.wording import Wording

if TYPE_CHECKING:
    from fedprotocol.spec import Evaluation, Training
    from transformers import PreTrainedTokenizerBase


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
    starts. A row that is too long loses part of its prompt, never what stands around it; the answer is cut only if it
    does not fit alone. Control tokens come from the spec's wording, never from the text of a row.

    A prompt is the text of a row's prompt; in a spec with the base model's chat template, the turns before the answer
    (`fednode.data.turns`). `question` makes either of a conversation.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, prompt: Prompt, sequence_length: int) -> None:
        """Raises EncodingError if the tokenizer cannot be used, has no end of text, or the template leaves no room."""
        self._text = PlainText(tokenizer)
        if tokenizer.eos_token_id is None:
            raise EncodingError("the base model's tokenizer has no end-of-text token; choose another base model")
        self._tokenizer: Any = tokenizer
        self._is_chat = prompt.is_chat
        self._wording: Wording = (
            ChatWording(tokenizer, self._text, prompt)
            if prompt.is_chat
            else TemplateWording(tokenizer, self._text, prompt)
        )
        self._is_after_space = prompt.answer_after_space
        self._length = sequence_length
        self._eos = int(tokenizer.eos_token_id)
        self._end = self._wording.end
        self._frame = self._render(self._wording.empty)
        if len(self._frame) + 1 + len(self._end) > sequence_length:
            raise EncodingError(
                f"the prompt template takes {len(self._frame)} of the {sequence_length} tokens of "
                "training.sequence_length: no room for an answer; raise the one or shorten the other"
            )

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The base model's own."""
        found: PreTrainedTokenizerBase = self._tokenizer
        return found

    @property
    def eos_id(self) -> int:
        return self._eos

    @property
    def pad_id(self) -> int:
        """End of text: padding is masked, so that any token does, and the model need not know the tokenizer's own."""
        return self._eos

    def check_fits(self, embedded: int) -> None:
        """Raises EncodingError if a row can become a token that is not among the model's first `embedded` ones."""
        of_spec = {*self._frame, *self._end, self._eos}
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

    def question(self, turns: Sequence[Turn]) -> str:
        """A conversation that ends with the user's turn, as a prompt."""
        return as_text(turns) if self._is_chat else as_prompt(turns)

    def refused(self, prompt: str) -> str | None:
        """Why the base model's chat template does not take this conversation; None if it does."""
        if self._is_chat:
            try:
                self._wording.text(prompt)
            except EncodingError as error:
                return str(error)
        return None

    def prompt(self, prompt: str, room: int = 1) -> tuple[list[int], bool]:
        """Token ids that an answer of `room` tokens follows, and whether the prompt was cut to leave that room.

        Raises EncodingError for a conversation that the base model's chat template refuses.
        """
        ids = self._render(prompt)
        truncated = False
        while (over := len(ids) + room - self._length) > 0:
            shorter = self._wording.shorter(prompt, over)
            if shorter is None:
                break
            truncated, prompt = True, shorter
            ids = self._render(prompt)
        return ids, truncated

    def example(self, prompt: str, completion: str, end: bool = True) -> Example:
        """Template, prompt and answer; `end`: with what ends it, which training teaches and evaluation leaves out.

        Raises EncodingError if the tokenizer makes nothing of the completion; see also `prompt`.
        """
        answer = self._wording.answer(completion)
        if not answer:
            raise EncodingError(f"the base model's tokenizer makes no token of the completion {completion!r}")
        if end:
            answer = [*answer, *self._end]
        ids, truncated = self.prompt(prompt, room=len(answer))
        room = self._length - len(ids)
        return Example(ids + answer[:room], len(ids), truncated, answer_cut=len(answer) > room)

    def first_token(self, text: str) -> int | None:
        """The token that an answer begins with; None if the tokenizer makes nothing of it."""
        return next(iter(self._wording.answer(text)), None)

    def first_tokens(self, classes: Sequence[str]) -> list[int]:
        """The token that each class begins with, in the order of `classes`.

        Raises EncodingError if two begin alike: one forward pass could not tell them apart.
        """
        owner: dict[int, str] = {}
        for name in classes:
            tokens = self._wording.answer(name)
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
        bare = [self._text.tokens(name.lstrip(" "))[:1] for name in classes]
        if self._is_after_space and len(set(map(tuple, bare))) == len(bare):
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
        """Whether each prompt would be cut for an answer of so many tokens, its end among them: what `prompt` says,
        faster for many. Raises EncodingError likewise."""
        rooms = [self._length - len(self._wording.start) - length for length in answer_lengths]
        texts = [self._wording.text(prompt) for prompt in prompts]
        unsure = [
            i for i, text in enumerate(texts) if (most := self._text.most_tokens(text)) is None or most > rooms[i]
        ]
        counts = dict(zip(unsure, self._text.counts([texts[i] for i in unsure]), strict=True))
        return [counts.get(i, 0) > room for i, room in enumerate(rooms)]

    def answer_length(self, completion: str) -> int:
        """How many tokens a completion takes, without its end."""
        return len(self._wording.answer(completion))

    @property
    def end_length(self) -> int:
        """How many tokens end an answer."""
        return len(self._end)

    @property
    def room(self) -> int:
        """The tokens that a prompt (with nothing but the template left of it) leaves to an answer and its end."""
        return self._length - len(self._frame)

    def _render(self, prompt: str) -> list[int]:
        """Tokens of the filled template, with the start of text once and at least one token."""
        return [*self._wording.start, *self._text.tokens(self._wording.text(prompt))] or [self._eos]


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
    encoder = Encoder(load_tokenizer(folder), spec.prompt, spec.training.sequence_length)
    encoder.check_fits(embedded_tokens(load_skeleton(folder)))
    if spec.evaluation.classes is not None:
        encoder.first_tokens(spec.evaluation.classes)
    return encoder
