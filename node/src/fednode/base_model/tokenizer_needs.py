"""Why a folder's tokenizer cannot be loaded, as far as its files show it, because the library's message names the wrong
package."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

_PACKAGES = {
    "sentencepiece": {"sentencepiece": "sentencepiece", "protobuf": "google.protobuf"},
    "tiktoken": {"tiktoken": "tiktoken"},
}
"""The packages, by their names for pip, and their modules, that are needed to read each kind of file."""

_VOCABULARIES = ("tokenizer.json", "vocab.json", "vocab.txt", "tekken.json", "*.model", "*.spm", "*.tiktoken")
_TIKTOKEN = re.compile(rb"[A-Za-z0-9+/=]+ \d+\s")  # a line with the base64 of a token, and its rank
_SENTENCEPIECE = b"\n"  # the tag of the first piece, in protobuf's encoding


def obstacle(folder: Path) -> str | None:
    """What is wrong, if a person can repair it; None if the files do not show it."""
    found = [file for pattern in _VOCABULARIES for file in sorted(folder.glob(pattern))]
    if not found:
        return "none of its files is a tokenizer's (tokenizer.json and the like); add those of the model"
    if found[0].name == "tokenizer.json":
        return None
    for file in found:
        kind = _kind(file)
        if absent := [package for package, module in _PACKAGES.get(kind, {}).items() if not _is_here(module)]:
            return (
                f"its {file.name} is a {kind} file, which cannot be read without other packages: "
                f"pip install {' '.join(absent)}"
            )
    return None


def _kind(file: Path) -> str:
    with file.open("rb") as content:
        beginning = content.read(1024)
    if _TIKTOKEN.match(beginning):
        return "tiktoken"
    return "sentencepiece" if file.suffix in (".model", ".spm") and beginning.startswith(_SENTENCEPIECE) else ""


def _is_here(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the package that contains the module
        return False
