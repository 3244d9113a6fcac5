"""Answers in the form of OpenAI's API: https://platform.openai.com/docs/api-reference."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from fedprotocol import tree

from fednode.serving.served_model import Global
from fednode.training.types import Answer


@dataclass(frozen=True)
class Telling:
    """One answer: `is_chat` by the kind of request; `identity` and `created` (seconds since 1970) are the same in all
    parts of a stream."""

    is_chat: bool
    model: str
    identity: str
    created: int

    def whole(self, answer: Answer, text: str, finish: str, by: Global) -> dict[str, Any]:
        """The body of an answer that is not streamed."""
        said: dict[str, Any] = {"message": {"role": "assistant", "content": text, "refusal": None}}
        choice = {"index": 0, **(said if self.is_chat else {"text": text}), "logprobs": None, "finish_reason": finish}
        kind = "chat.completion" if self.is_chat else "text_completion"
        return {**self._head(kind, by), "choices": [choice], "usage": usage(answer)}

    def part(self, text: str, finish: str | None, by: Global, is_first: bool) -> str:
        """An event of a stream."""
        delta = {**({"role": "assistant"} if is_first else {}), **({"content": text} if text or is_first else {})}
        said: dict[str, Any] = {"delta": delta} if self.is_chat else {"text": text}
        return self._event(by, [{"index": 0, **said, "logprobs": None, "finish_reason": finish}])

    def counts(self, answer: Answer, by: Global) -> str:
        """The event with the counts of tokens, after the last part."""
        return self._event(by, [], usage=usage(answer))

    def _event(self, by: Global, choices: list[dict[str, Any]], **more: Any) -> str:
        kind = "chat.completion.chunk" if self.is_chat else "text_completion"
        return event(json.dumps({**self._head(kind, by), "choices": choices, **more}))

    def _head(self, kind: str, by: Global) -> dict[str, Any]:
        return {
            "id": self.identity,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": fingerprint(by),
        }


END = "data: [DONE]\n\n"


def event(data: str) -> str:
    """A server-sent event: https://html.spec.whatwg.org/multipage/server-sent-events.html."""
    return f"data: {data}\n\n"


def fingerprint(by: Global) -> str:
    """What made an answer: the round, and the CID of its global."""
    return f"round-{by.round}-{tree.cid(by.root)}"


def usage(answer: Answer) -> dict[str, int]:
    return {
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.tokens,
        "total_tokens": answer.prompt_tokens + answer.tokens,
    }
