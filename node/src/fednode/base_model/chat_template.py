"""The chat template of a base model: found, named by its digest, and filled in as transformers does it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from fednode.base_model.errors import BaseModelError

_CLOCK = re.compile(r"\bstrftime_now\b")
_NO_CLOCK = "no_clock_here"


def chat_template_of(tokenizer: Any) -> str:
    """The text of the template that the tokenizer came with; of several, the one called default.

    Raises BaseModelError if there is none.
    """
    try:
        return str(tokenizer.get_chat_template())
    except ValueError as error:
        raise BaseModelError(
            "the base model has no chat template of its own; name a prompt template with {prompt}, or take the variant "
            "of the model that was made for conversations"
        ) from error


def digest_of(template: str) -> str:
    """sha2-256 of the template's text, 0x and 64 hex digits."""
    return "0x" + hashlib.sha256(template.encode()).hexdigest()


def without_clock(template: str) -> str:
    """A template that cannot ask for the time. Sites must make the same tokens of a row on every day; a template that
    names today's date has one to fall back on where nobody tells it, and is refused if it has not."""
    return _CLOCK.sub(_NO_CLOCK, template)


def named_tokens(tokenizer: Any) -> dict[str, str]:
    """The special tokens that a template may name, such as bos_token."""
    return {name: token for name, token in tokenizer.special_tokens_map.items() if isinstance(token, str)}


def fill_in(template: str, messages: Sequence[Mapping[str, str]], goes_on: bool, names: Mapping[str, str]) -> str:
    """What the template makes of `messages`, by transformers' sandbox.

    `goes_on`: up to where an answer begins. `names`: the special tokens by their names, such as bos_token.

    Raises BaseModelError, with the template's own words if it has some, for messages that it refuses.
    """
    from jinja2 import TemplateError
    from transformers.utils.chat_template_utils import render_jinja_template

    try:
        [text], _ = render_jinja_template(
            conversations=[[dict(message) for message in messages]],
            chat_template=template,
            add_generation_prompt=goes_on,
            **names,
        )
    except (TemplateError, TypeError, ValueError, KeyError, ArithmeticError) as error:
        raise BaseModelError(f"the base model's chat template refuses it: {error}") from error
    return str(text)
