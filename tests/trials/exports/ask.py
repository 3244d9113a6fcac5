"""A question's tokens, the probabilities of what follows, and the likeliest answer: from fednode and from llama.cpp."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests
import torch
from fednode.training import AdapterModel
from fednode.training.generation import continued
from support.tiny_model import TEMPLATE

from exports.models import Files, Model

LENGTH = 24  # tokens of an answer
MOST = 400  # tokens whose probabilities are compared


@dataclass(frozen=True)
class Asked:
    """One question: its tokens with the template around them, the logarithms of the probabilities of the likeliest
    tokens that follow, and the tokens of the answer, without its end."""

    prompt: list[int]
    likely: Mapping[int, float]
    answer: list[int]


def ask_fednode(model: Model) -> list[Asked]:
    """As `fednode generate` does it."""
    adapted = AdapterModel.load(model.spec, str(model.base), "cpu", 1)
    adapted.set_global(model.units)
    found = []
    for question in model.questions:
        asked = adapted.encoder.question([("user", question)]) if model.is_chat else question
        ids = adapted.encoder.prompt(asked)[0]
        peft = adapted._model.eval()
        with torch.no_grad():
            logits = peft(input_ids=torch.tensor([ids])).logits[0, -1].float()
        values, tokens = torch.log_softmax(logits, 0).topk(MOST)
        answer = [one for one in continued(peft, ids, LENGTH, adapted.encoder.eos_id) if one != adapted.encoder.eos_id]
        found.append(Asked(ids, dict(zip(tokens.tolist(), values.tolist(), strict=True)), answer))
    return found


def ask_llama_cpp(files: Files, questions: Sequence[str], is_chat: bool) -> list[Asked]:
    """Greedily, with the text of the template, over the HTTP interface of llama.cpp's server. Of a chat, the template
    is the one in the model's file."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(files.model)
    params.use_jinja = True
    params.n_ctx, params.n_parallel, params.warmup, params.verbosity = 256, 1, False, -1
    params.cpuparams.n_threads = 1
    # as fednode computes: keys and values of the attention are not rounded to 16 bits
    params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    if files.adapter is not None:
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(files.adapter), 1.0)]
    server = xllamacpp.Server(params)

    def post(path: str, **body: Any) -> Any:
        answer = requests.post(f"{server.listening_address}/{path}", json=body, timeout=600)
        answer.raise_for_status()
        return answer.json()

    found = []
    for question in questions:
        text = TEMPLATE.replace("{prompt}", question)
        if is_chat:
            text = post("apply-template", messages=[{"role": "user", "content": question}])["prompt"]
        ids = post("tokenize", content=text, add_special=True, parse_special=True)["tokens"]
        options = {"n_predict": LENGTH, "temperature": 0, "return_tokens": True, "n_probs": MOST, "cache_prompt": False}
        answer = post("completion", prompt=ids, **options)
        first = answer["completion_probabilities"][0]
        # the server leaves out tokens that are only a part of a character
        listed = first["top_logprobs"] if first["id"] == answer["tokens"][0] else []
        found.append(Asked(ids, {one["id"]: one["logprob"] for one in listed}, answer["tokens"]))
    return found
