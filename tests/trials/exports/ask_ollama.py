"""What Ollama answers with the files of an export and their Modelfile, over its HTTP interface."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

import requests
from support.ports import free_port
from transformers.convert_slow_tokenizer import bytes_to_unicode

from exports.ask import LENGTH, Asked
from exports.models import Files

LIKELY = 20  # its most
SECONDS = 600.0
NAME = "trial"


def told_by(tokenizer: Any) -> Mapping[bytes, int]:
    """The numbers of the tokens that Ollama tells, by their bytes; `tokenizer`: the base model's, a byte-level one."""
    byte_of = {character: byte for byte, character in bytes_to_unicode().items()}
    numbers = {}
    for text, number in tokenizer.get_vocab().items():
        if number not in tokenizer.all_special_ids and all(character in byte_of for character in text):
            content = bytes(byte_of[character] for character in text)
            if content.decode(errors="ignore").encode() == content:
                numbers[content] = number
    return numbers


def as_told(asked: Asked, numbers: Mapping[bytes, int]) -> Asked:
    """The same with what Ollama tells alone. Behind a part of a character it leaves out tokens that are text, too."""
    known = set(numbers.values())
    told = list(takewhile(known.__contains__, asked.answer))
    likely = {token: value for token, value in asked.likely.items() if told and token in known}
    return Asked(asked.prompt, likely, told)


def ask_ollama(program: str, files: Files, questions: Sequence[str], numbers: Mapping[bytes, int]) -> list[Asked]:
    """The template is the Modelfile's; `numbers`: see `told_by`."""
    found = []
    with tempfile.TemporaryDirectory() as name, _serving(program, Path(name)) as url:
        for part in files.folder.iterdir():
            shutil.copy(part, Path(name) / part.name)
        if files.adapter is not None:  # as the Modelfile says: beside it
            shutil.copy(files.model, Path(name) / "base.gguf")
        _run(program, url, "create", NAME, "-f", str(Path(name) / "Modelfile"))
        for question in questions:
            body = {"model": NAME, "prompt": question, "stream": False, "logprobs": True, "top_logprobs": LIKELY}
            options = {"num_predict": LENGTH, "num_ctx": 256}
            answer = requests.post(f"{url}/api/generate", json={**body, "options": options}, timeout=SECONDS)
            answer.raise_for_status()
            told = answer.json()
            prompt = told["context"][: told["prompt_eval_count"]]
            steps = told["logprobs"]
            listed = ((numbers.get(_bytes(one)), one["logprob"]) for one in steps[0]["top_logprobs"])
            likely = {token: value for token, value in listed if token is not None}
            answered = (numbers.get(_bytes(step)) for step in steps)
            found.append(Asked(prompt, likely, [token for token in answered if token is not None]))
    return found


@contextmanager
def _serving(program: str, folder: Path) -> Iterator[str]:
    """A server of its own, with its models in `folder`; its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (folder / "ollama.log").open("w") as log:
        served = subprocess.Popen([program, "serve"], env=_environment(url, folder), stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + SECONDS
            while True:
                try:
                    requests.get(f"{url}/api/version", timeout=5)
                    break
                except requests.ConnectionError:
                    if served.poll() is not None or time.monotonic() > deadline:
                        raise SystemExit(f"Ollama does not answer:\n{(folder / 'ollama.log').read_text()}") from None
                    time.sleep(0.5)
            yield url
        finally:
            served.terminate()
            served.wait()


def _run(program: str, url: str, *words: str) -> None:
    done = subprocess.run(
        [program, *words], env=_environment(url, None), capture_output=True, text=True, timeout=SECONDS
    )
    if done.returncode:
        raise SystemExit(f"ollama {' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def _environment(url: str, folder: Path | None) -> dict[str, str]:
    own = {} if folder is None else {"OLLAMA_MODELS": str(folder / "models")}
    return {**os.environ, "OLLAMA_HOST": url, **own}


def _bytes(token: dict[str, Any]) -> bytes:
    return bytes(token.get("bytes") or token["token"].encode())
