"""Reads rotary scaling that a GGUF has and transformers ignores. What cannot be read is refused, so that it is never
lost.

llama.cpp keeps Llama 3's scaling as a tensor of divisors, one for each frequency, and every other kind in its metadata.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from fednode.base_model.errors import BaseModelError

if TYPE_CHECKING:
    from gguf import GGUFReader
    from numpy.typing import NDArray

_DIVISORS = "rope_freqs.weight"
# largest relative error of a frequency; if the length differs by one token, the difference is ten times as large
_TOLERANCE = 1e-5


def carry_rope(content: GGUFReader, config: Any) -> None:
    """Put the file's scaling into the `config` of transformers. Raises BaseModelError for a scaling that this cannot
    do."""
    tensors = {tensor.name: tensor.data for tensor in content.tensors if tensor.name.startswith("rope_")}
    architecture = content.get_field("general.architecture").contents()
    kind = content.get_field(f"{architecture}.rope.scaling.type")
    stated = "none" if kind is None else kind.contents()
    factor = content.get_field(f"{architecture}.rope.scale_linear")
    parameters = dict(getattr(config, "rope_parameters", None) or {})
    if stated == "none" and factor is not None and factor.contents() not in (0, 1):
        stated = "linear"
    if stated not in ("none", parameters.get("rope_type")):
        _refuse(f"scales its rotary frequencies ({stated})")
    if unknown := sorted(tensors.keys() - {_DIVISORS}):
        _refuse(f"scales its rotary frequencies ({unknown[0]})")
    if _DIVISORS not in tensors or np.all(tensors[_DIVISORS] == 1):
        return
    if parameters.get("rope_type") != "default":
        _refuse(f"scales its rotary frequencies ({_DIVISORS})")
    config.rope_parameters = {**parameters, **_llama3(np.asarray(tensors[_DIVISORS], dtype=np.float64), config)}
    if not _agrees(tensors[_DIVISORS], parameters["rope_theta"], config):
        _refuse(f"scales its rotary frequencies, but not as Llama 3 does ({_DIVISORS})")


def _llama3(divisors: NDArray[np.float64], config: Any) -> dict[str, Any]:
    """The settings that lead to these divisors, with low_freq_factor 1. Other settings with the same divisors mean the
    same.

    Between the wavelengths L / high and L the divisor d of the frequency 1/w has 1/d = (1 - s) / factor + s, with
    s = (L / w - 1) / (high - 1): a straight line over 1/w, which two points give.
    """
    waves = 2 * np.pi / _frequencies(len(divisors), config.rope_parameters["rope_theta"])
    factor = float(divisors.max())
    smooth = (1 / divisors - 1 / factor) / (1 - 1 / factor)
    between = (smooth > _TOLERANCE) & (smooth < 1 - _TOLERANCE)
    if between.sum() < 2:
        _refuse(f"scales its rotary frequencies in a way that cannot be read off ({_DIVISORS})")
    slope, offset = np.polyfit(1 / waves[between], smooth[between], 1)
    return {
        "rope_type": "llama3",
        "factor": round(factor, 4),
        "low_freq_factor": 1.0,
        "high_freq_factor": round(1 - 1 / float(offset), 3),
        "original_max_position_embeddings": round(-float(slope) / float(offset)),
    }


def _agrees(divisors: NDArray[np.float32], theta: float, config: Any) -> bool:
    """Whether transformers, with this config, computes the frequencies that the divisors give."""
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    made, _ = ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")
    expected = _frequencies(len(divisors), theta) / divisors
    return made.shape == expected.shape and bool(np.allclose(made.numpy(), expected, rtol=_TOLERANCE, atol=0))


def _frequencies(count: int, theta: float) -> NDArray[np.float64]:
    frequencies: NDArray[np.float64] = theta ** (-np.arange(count, dtype=np.float64) / count)
    return frequencies


def _refuse(what: str) -> NoReturn:
    raise BaseModelError(f"this GGUF {what}, which would be lost here: give the folder of the model instead")
