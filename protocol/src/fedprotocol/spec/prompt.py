"""The part of a spec that says how an example becomes text."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from fedprotocol.strict import Hex32, Part

BLANKS = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""The white space that is taken off prompts, completions and classes where the spec says how they are joined."""


CHAT = "chat"
"""The `template` of a spec whose rows are conversations in the base model's own chat template."""


class Prompt(Part):
    """How an example becomes text: the template, `join`, the completion, the end-of-text token.

    With `join`, prompt and completion lose the `BLANKS` at both their ends. A document without it takes both as they
    are, with nothing between template and completion. It then has no field `join`, not even null.

    With the template "chat", it is the base model's own chat template that makes text of a conversation.
    `chat_template` is the sha2-256 of that template's text (UTF-8), and `turns` says which answers of a conversation
    are learned: the last one, or every one, each after all that stands before it. There is no `join` then. Other
    documents have neither field.
    """

    template: str
    join: Annotated[str, Field(pattern=r"^[ \t\n]{0,8}$")] | None = Field(
        default=None, exclude_if=lambda join: join is None
    )
    chat_template: Hex32 | None = Field(default=None, exclude_if=lambda digest: digest is None)
    turns: Literal["last", "every"] | None = Field(default=None, exclude_if=lambda turns: turns is None)

    @field_validator("template")
    @classmethod
    def _one_place(cls, template: str) -> str:
        if template != CHAT and template.count("{prompt}") != 1:
            raise ValueError("must contain {prompt} exactly once, or be chat, the base model's own chat template")
        return template

    @field_validator("join", mode="before")
    @classmethod
    def _blank(cls, join: object) -> object:
        if not isinstance(join, str) or len(join) > 8 or set(join) - set(" \t\n"):
            raise ValueError("must be at most 8 spaces, tabs and line breaks, or empty; other text is the template's")
        return join

    @field_validator("chat_template", "turns", mode="before")
    @classmethod
    def _no_null(cls, value: object) -> object:
        if value is None:
            raise ValueError("must be left out where there is no chat template")
        return value

    @model_validator(mode="after")
    def _joined_once(self) -> Self:
        if self.is_chat:
            if self.join is not None:
                raise ValueError("prompt.join belongs to a template with {prompt}; a chat template has its own")
            if self.turns is None:
                raise ValueError("prompt.turns: say whether the last answer of a conversation is learned, or every one")
        elif self.chat_template is not None or self.turns is not None:
            raise ValueError('prompt.chat_template and prompt.turns belong to the template "chat"')
        elif self.join is not None and self.template[-1:] in BLANKS:
            raise ValueError("prompt.template ends in white space; what stands before the completion is prompt.join")
        return self

    @property
    def is_chat(self) -> bool:
        """Whether the base model's own chat template makes text of rows."""
        return self.template == CHAT

    @property
    def answer_after_space(self) -> bool:
        """Whether the answer begins with the last space of `join`, of which tokenizers make one token with its word."""
        return (self.join or "").endswith(" ")

    @property
    def before_answer(self) -> str:
        """The template, with its {prompt}, up to where the model goes on. A space that belongs to the answer's first
        token is left out."""
        return self.template + (self.join or "").removesuffix(" ")

    def trimmed(self, text: str) -> str:
        """A prompt or completion as it is put into the template."""
        return text if self.join is None else text.strip(BLANKS)
