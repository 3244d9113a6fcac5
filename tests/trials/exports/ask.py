"""A question's tokens, the logits after it, and the likeliest answer: from fednode and from llama.cpp."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from fednode.training import AdapterModel
from fednode.training.generation import likeliest
from numpy.typing import NDArray
from support.tiny_model import TEMPLATE

from exports.models import Files, Model

LENGTH = 24  # tokens of an answer


@dataclass(frozen=True)
class Asked:
    """Of one question: its tokens with the template around them, the logits after them, float32 [vocabulary], and the
    tokens of the answer."""

    prompt: list[int]
    logits: NDArray[np.float32]
    answer: list[int]


def ask_fednode(model: Model) -> list[Asked]:
    """As `fednode generate` does it."""
    adapted = AdapterModel.load(model.spec, str(model.base), "cpu", 1)
    adapted.set_global(model.units)
    found = []
    for question in model.questions:
        ids = adapted.encoder.prompt(question)[0]
        peft = adapted._model.eval()
        with torch.no_grad():
            logits = peft(input_ids=torch.tensor([ids])).logits[0, -1].float().numpy()
        found.append(Asked(ids, logits, likeliest(peft, ids, LENGTH, adapted.encoder.eos_id)))
    return found


def ask_llama_cpp(files: Files, questions: Sequence[str]) -> list[Asked]:
    """Greedily, with the text of the template."""
    from llama_cpp import Llama

    options: dict[str, Any] = {"n_ctx": 256, "n_threads": 1, "logits_all": True, "verbose": False}
    if files.adapter is not None:
        options["lora_path"] = str(files.adapter)
    llama = Llama(str(files.model), **options)
    found = []
    for question in questions:
        text = TEMPLATE.replace("{prompt}", question)
        ids = llama.tokenize(text.encode(), add_bos=True, special=True)
        llama.reset()
        llama.eval(ids)
        logits = np.array(llama.scores[len(ids) - 1], dtype=np.float32)
        answer = []
        for token in islice(llama.generate(ids, temp=0.0, repeat_penalty=1.0), LENGTH):
            answer.append(token)
            if token == llama.token_eos():
                break
        found.append(Asked(ids, logits, answer))
    llama.close()
    return found
