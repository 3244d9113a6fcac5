"""Connections of visitors who neither ask nor read are ended, so that a few of them cannot take all there are."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_SECONDS = 15.0  # for a whole request, once a connection is open or a request has begun
READING_SECONDS = 30.0  # between two looks at whether a visitor reads
LEAST_BYTES = 16_384  # that he must have read in between


class ImpatientProtocol(H11Protocol):
    """Uvicorn's HTTP, which waits for ever by itself."""

    request_seconds, reading_seconds = REQUEST_SECONDS, READING_SECONDS
    _until_asked: asyncio.TimerHandle | None = None
    _until_read: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)  # we hear of it as soon as anything waits to be read
        self._expect_request()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._forget_request()
        elif self._until_asked is None:
            self._expect_request()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._until_read is None:
            self._expect_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._forget_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_request()
        self._forget_reading()
        super().connection_lost(exc)

    def _expect_request(self) -> None:
        self._until_asked = self.loop.call_later(self.request_seconds, self.transport.abort)

    def _forget_request(self) -> None:
        if self._until_asked is not None:
            self._until_asked.cancel()
            self._until_asked = None

    def _forget_reading(self) -> None:
        if self._until_read is not None:
            self._until_read.cancel()
            self._until_read = None

    def _expect_reading(self) -> None:
        self._until_read = self.loop.call_later(self.reading_seconds, self._has_read, self._unread)

    def _has_read(self, before: int) -> None:
        if self._unread > before - LEAST_BYTES:
            self.transport.abort()
        else:
            self._expect_reading()

    @property
    def _unread(self) -> int:
        return int(self.transport.get_write_buffer_size())
