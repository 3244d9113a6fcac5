"""What the server refuses, in the form that OpenAI's clients read: https://platform.openai.com/docs/guides/error-codes."""

from __future__ import annotations

from typing import Any

from fedprotocol.errors import FedError


class Refused(FedError):
    """A request that gets no answer. `status`: of HTTP; `code`: a word for programs; `parameter`: what is wrong."""

    def __init__(self, message: str, status: int = 400, code: str | None = None, parameter: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self._code = code
        self._parameter = parameter

    def body(self) -> dict[str, Any]:
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        return {"error": {"message": str(self), "type": kind, "param": self._parameter, "code": self._code}}
