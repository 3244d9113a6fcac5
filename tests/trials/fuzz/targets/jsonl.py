"""JSONL: one object a line, or an array of them, with prompt and completion or with messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random

from fednode.data import DataError

from fuzz.mutations import bytes_or, json_text, many
from fuzz.target import Linear, Raw, Target
from fuzz.targets.rows import check_lines, features, reader

ROWS = (
    {"prompt": "a small rose", "completion": " red"},
    {"prompt": "é\u2028", "completion": "\U0001f600", "domain": "d", "id": 3, "more": [{"x": [1.5e3, None]}]},
    {"prompt": "x", "completion": "y", "domain": None},
    {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}], "domain": "d"},
    {"messages": [{"role": role, "content": "z"} for role in ("system", "user", "assistant", "user", "assistant")]},
)


def seeds() -> Iterator[bytes]:
    for ascii_only in (True, False):
        yield "\n".join(json.dumps(row, ensure_ascii=ascii_only) for row in ROWS).encode()
    yield b"[" * 1500
    yield b'{"prompt": ' + b"9" * 4400 + b"}"
    yield json.dumps(ROWS, indent=1).encode()
    yield b"[[" + json.dumps(ROWS[0]).encode() + b"]"
    yield json.dumps({"instruction": "x", "input": "y", "output": "z"}).encode("utf-16")
    yield json.dumps({"conversations": [{"from": "human", "value": "x"}, {"from": "gpt", "value": "y"}]}).encode()
    yield b"\xef\xbb\xbf" + json.dumps(ROWS[0]).encode() + b"\r\n\r\n[]\r\n"


def by_lines(data: bytes, largest: int, rng: Random, _: Raw) -> bytes | None:
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    if rng.random() < 0.2:
        lines[at:at] = [lines[at]] * many(rng, len(lines[at]) + 1, largest - len(data))
    else:
        lines[at] = json_text(lines[at], largest, rng) or lines[at] + b"}"
    return b"\n".join(lines)


TARGET = Target(
    reader(".jsonl"),
    errors=(DataError,),
    seeds=seeds,
    largest=5000,
    memory=Linear(128 << 10, 160),  # a block of 64 KiB is looked at to know the encoding
    check=check_lines,
    features=features,
    mutate=bytes_or(by_lines),
)
