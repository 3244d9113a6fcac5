"""The federation's document, up to the size at which it is not read at all."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from random import Random

from fedprotocol.spec import Spec, SpecError, SpecMismatch, check_against, dump_spec, load_spec, spec_digest
from support.specs import DOCUMENT

from fuzz.mutations import bytes_or, json_text
from fuzz.target import Linear, Raw, Target


class Terms:
    """Of a contract that agrees on nothing."""

    spec_digest = genesis_root = bytes(32)
    leaf_count = leaf_values = mantissa_bits = max_shift = server_lr = total_rounds = -1


def check(data: bytes, spec: Spec) -> None:
    canonical = dump_spec(spec)
    assert load_spec(canonical) == spec
    assert dump_spec(load_spec(canonical)) == canonical
    layout = spec.layout
    assert layout.delta_shape.leaf_count * layout.leaf_values >= layout.value_count
    assert layout.global_shape.leaf_count == layout.delta_shape.leaf_count * layout.parts
    try:
        check_against(spec, spec_digest(data), Terms())
    except SpecMismatch as error:
        assert str(error).count("\n") == 8
    else:
        raise AssertionError("it agrees with a contract of nothing")


def features(outcome: Spec | SpecError) -> Iterable[str]:
    """The kinds of complaints, and where; names that the document makes up do not count."""
    if isinstance(outcome, SpecError):
        for line in str(outcome).split("\n")[1:20]:
            if not line.endswith(("unknown key", "…")):
                where, _, what = re.sub(r"\d+", "#", line).partition(": ")
                yield f"{where} {what[:40]}"


def changed(data: bytes, largest: int, rng: Random, _: Raw) -> bytes | None:
    """Often from a document that is right: of one that is wrong, few changes make a right one."""
    return json_text(rng.choice(list(seeds())) if rng.random() < 0.4 else data, largest, rng)


def seeds() -> Iterator[bytes]:
    yield json.dumps(DOCUMENT).encode()
    bounds = {"max_shift": 0, "max_norm": 1e9, "min_norm": 1e-9}
    yield json.dumps({**DOCUMENT, "evaluation": {"classes": ["a", "b"]}, "bounds": bounds}, indent=1).encode()
    yield json.dumps({**DOCUMENT, "prompt": {"template": "é\u2028{prompt}\0"}}, ensure_ascii=False).encode()
    two = [{"name": "a", "shape": [3]}, {"name": "b", "shape": [1 << 20, 2]}]
    yield json.dumps({**DOCUMENT, "layout": {**DOCUMENT["layout"], "tensors": two}}).encode()
    yield b"{}"


TARGET = Target(
    load_spec,
    errors=(SpecError,),
    seeds=seeds,
    largest=1 << 13,
    memory=Linear(256 << 10, 64),
    check=check,
    features=features,
    mutate=bytes_or(changed, 0.7),
)
