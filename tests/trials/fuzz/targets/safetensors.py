"""A base model's weights: byte 0 picks whether the rest is model.safetensors or the index over a shard."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from fednode.base_model.digest import tensors_digest
from fednode.base_model.errors import BaseModelError
from fednode.base_model.load import tensor_files
from safetensors.numpy import save

from fuzz.mutations import bytes_or, json_text
from fuzz.target import Linear, Raw, Target

WHOLE, INDEX = b"\0", b"\1"
SHARD = "shard.safetensors"
FOLDER = Path(tempfile.mkdtemp())
TENSORS: dict[str, Any] = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.ones((), dtype=np.float16),
    "c.rotary_emb.inv_freq": np.ones(2, dtype=np.float32),
    "d": np.ones((0, 4), dtype=np.int64),
    "e": np.ones(3, dtype=np.uint8),
    "f": np.ones(2, dtype=np.bool_),
}
OTHERS = ("BF16", "F64", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F4", "C64", "U16", "U32", "U64", "I8", "I16", "I32")


def folder(kind: bytes) -> Path:
    path = FOLDER / kind.hex()
    path.mkdir(exist_ok=True)
    (path / SHARD).write_bytes(save(TENSORS))
    return path


FOLDERS = {kind: folder(kind) for kind in (WHOLE, INDEX)}


def parse(data: bytes) -> str:
    kind = INDEX if data[:1] > b"\x7f" or data[:1] == INDEX else WHOLE
    name = "model.safetensors" + (".index.json" if kind == INDEX else "")
    (FOLDERS[kind] / name).write_bytes(data[1:])
    return tensors_digest(tensor_files(FOLDERS[kind]), {"f": "g"})


def check(_: bytes, digest: str) -> None:
    assert len(bytes.fromhex(digest.removeprefix("0x"))) == 32


def features(outcome: str | BaseModelError) -> Iterable[str]:
    if isinstance(outcome, BaseModelError):
        yield str(outcome).partition(FOLDER.name)[2].translate(dict.fromkeys(map(ord, "0123456789")))[:90]


def with_header(header: bytes, payload: bytes) -> bytes:
    return len(header).to_bytes(8, "little") + header + payload


def seeds() -> Iterator[bytes]:
    yield WHOLE + save(TENSORS)
    yield WHOLE + save({"a": TENSORS["a"]}, metadata={"format": "pt"})
    for dtype in OTHERS:
        for size in (8, 16):
            header = {"a": {"dtype": dtype, "shape": [2, 1], "data_offsets": [0, size]}}
            yield WHOLE + with_header(json.dumps(header).encode(), bytes(size))
    for shape in ([1 << 40, 0], [0] * 40, [1] * 70):
        size = 4 if 0 not in shape else 0
        header = {"a": {"dtype": "F32", "shape": shape, "data_offsets": [0, size]}}
        yield WHOLE + with_header(json.dumps(header).encode(), bytes(size))
    for index in ({"metadata": {}, "weight_map": {"a": SHARD, "b": SHARD}}, {"weight_map": {}}, {}):
        yield INDEX + json.dumps(index).encode()


def by_header(data: bytes, largest: int, rng: Random, raw: Raw) -> bytes | None:
    """The JSON changed, and the length before it and what comes after it made to fit."""
    if data[:1] == INDEX:
        changed = json_text(data[1:], largest, rng)
        return None if changed is None else INDEX + changed
    end = 9 + int.from_bytes(data[1:9], "little")
    header, payload = data[9:end], data[end:]
    changed = json_text(header, largest, rng)
    if changed is None:
        return None
    changed += b" " * (-len(changed) % 8)
    try:
        needed = max(tensor["data_offsets"][1] for tensor in json.loads(changed).values() if "data_offsets" in tensor)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        needed = len(payload)
    if isinstance(needed, int) and 0 <= needed <= largest - len(changed):
        payload = payload[:needed].ljust(needed, b"\0")
    return data[:1] + with_header(changed, raw(payload, len(payload)) if payload and rng.random() < 0.1 else payload)


TARGET = Target(
    parse,
    errors=(BaseModelError,),
    seeds=seeds,
    largest=1 << 12,
    memory=Linear(256 << 10, 100),
    check=check,
    features=features,
    mutate=bytes_or(by_header, 0.8),
)
