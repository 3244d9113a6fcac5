"""Runs in vLLM's own environment, which need not have anything of ours.

Reads from standard input what to load and the prompts' tokens, writes the answers to the file that is its argument.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    asked: dict[str, Any] = json.load(sys.stdin)
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")  # GiB
    import vllm
    from transformers import AutoTokenizer
    from vllm.lora.request import LoRARequest

    tokenizer = AutoTokenizer.from_pretrained(asked["model"])
    prompts = [tokenizer.encode(prompt) for prompt in asked["prompts"]]
    adapter = asked["adapter"]
    model = vllm.LLM(
        model=asked["model"],
        dtype="float32",
        enforce_eager=True,
        max_model_len=max(map(len, prompts)) + asked["length"],
        max_logprobs=asked["likely"],
        enable_lora=adapter is not None,
        **({} if adapter is None else {"max_lora_rank": asked["rank"]}),
    )
    sampling = vllm.SamplingParams(temperature=0, max_tokens=asked["length"], logprobs=asked["likely"])
    told = []
    for prompt in prompts:
        lora = None if adapter is None else LoRARequest("adapter", 1, adapter)
        [answer] = model.generate({"prompt_token_ids": prompt}, sampling, lora_request=lora, use_tqdm=False)
        [found] = answer.outputs
        likely = {token: one.logprob for token, one in found.logprobs[0].items()}
        told.append({"prompt": prompt, "likely": likely, "answer": list(found.token_ids)})
    Path(sys.argv[1]).write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main()
