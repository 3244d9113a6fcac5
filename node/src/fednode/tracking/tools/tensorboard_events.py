"""An event file of TensorBoard, written with TensorBoard's own record writer, without TensorFlow or torch.

The format is that of TFRecord files, https://www.tensorflow.org/tutorials/load_data/tfrecord: length (8 bytes, little
endian), its checksum (4), the event, its checksum (4).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fednode.tracking.chapters import Chapter
from fednode.tracking.tracker import Known, Run

HEAD, TAIL = 12, 4  # bytes before and after an event


def open_tracker(run: Run) -> EventFile:
    return EventFile(run.folder / run.name)


class EventFile:
    """The one event file of a run's folder. It is only added to, so that a TensorBoard that shows it goes on. What a
    program that was killed left of a record is cut off."""

    def __init__(self, folder: Path) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._event: Any = Event
        folder.mkdir(parents=True, exist_ok=True)
        found = sorted(folder.glob("events.out.tfevents.*"))
        path = found[-1] if found else folder / f"events.out.tfevents.{int(time.time()):010d}.fednode"
        content = path.read_bytes() if found else b""
        events = [*_events(content, Event)]
        self._known = Known((v.tag, e.step, v.simple_value) for _, e in events for v in e.summary.value)
        self._file = path.open("r+b" if found else "xb")
        self._file.truncate(events[-1][0] if events else 0)
        self._file.seek(0, os.SEEK_END)
        self._writer: Any = RecordWriter(self._file)
        if not events:
            self._write(self._event(wall_time=time.time(), file_version="brain.Event:2"))

    def take(self, chapters: Sequence[Chapter], before: int) -> None:  # noqa: ARG002 (the port's)
        for point in self._known.new(_rounded(chapters)):
            event = self._event(wall_time=point.at, step=point.step)
            for name, value in point.values.items():
                event.summary.value.add(tag=name, simple_value=value)
            self._write(event)
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()

    def _write(self, event: Any) -> None:
        self._writer.write(event.SerializeToString())


def _events(content: bytes, kind: Any) -> Iterator[tuple[int, Any]]:
    """The whole events, each with the place where its record ends."""
    begin = 0
    while len(content) >= begin + HEAD:
        length = int.from_bytes(content[begin : begin + 8], "little")
        end = begin + HEAD + length + TAIL
        if end > len(content):
            return
        yield end, kind.FromString(content[begin + HEAD : end - TAIL])
        begin = end


def _rounded(chapters: Sequence[Chapter]) -> list[Chapter]:
    """With values as a float32 holds them, which is what the file keeps."""
    from dataclasses import replace

    import numpy as np

    return [
        replace(
            chapter,
            points=tuple(
                replace(point, values={name: float(np.float32(value)) for name, value in point.values.items()})
                for point in chapter.points
            ),
        )
        for chapter in chapters
    ]
