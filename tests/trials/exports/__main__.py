"""`make exports`: the same questions to a federation's model in fednode, and to its exported files in other programs.

For models of every architecture and tokenizer that can be written: whether both make the same tokens of the prompts,
find the same probabilities, and answer with the same tokens. GGUF files are loaded by llama.cpp, which
`pip install xllamacpp` brings, and by Ollama; safetensors by vLLM, from an environment of its own.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from fednode.base_model import load_tokenizer

from exports.ask import ask_fednode, ask_llama_cpp
from exports.ask_ollama import as_told, ask_ollama, told_by
from exports.ask_vllm import ask_vllm
from exports.compare import HALF, LARGEST, Answers, compared, problems
from exports.models import Model, models


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="exports", description=__doc__)
    parser.add_argument("--base", help="a further base model, of some real size: folder, GGUF file or hub id")
    parser.add_argument("--only", help="the name of the one model to try")
    parser.add_argument("--vllm", metavar="PYTHON", help="also ask vLLM, in the environment of this Python")
    parser.add_argument("--ollama", metavar="PROGRAM", help="also ask Ollama, which is this program")
    given = parser.parse_args(arguments)
    try:
        import xllamacpp
    except ImportError:
        print("llama.cpp is not here: pip install xllamacpp")
        return 2
    print(f"xllamacpp {xllamacpp.__version__}\n")
    found: list[str] = []
    with tempfile.TemporaryDirectory(prefix="exports-") as scratch:
        for model in models(Path(scratch), given.base):
            if given.only in (None, model.name):
                for answers in _tried(model, given.vllm, given.ollama):
                    print(compared(answers), flush=True)
                    found += problems(answers)
    print("\n" + ("\n".join(found) or "all agree with fednode"))
    return 1 if found else 0


def _tried(model: Model, vllm: str | None, ollama: str | None) -> Iterator[Answers]:
    expected = ask_fednode(model)
    tokenizer = load_tokenizer(model.base)
    for form, files, is_exact in model.in_gguf():
        within = LARGEST if is_exact else None
        yield Answers(f"{model.name}, {form}", expected, ask_llama_cpp(files, model.questions, model.is_chat), within)
        if ollama is not None and is_exact:
            numbers = told_by(tokenizer)
            told = ask_ollama(ollama, files, model.questions, numbers)
            yield Answers(f"{model.name}, {form}, Ollama", [as_told(one, numbers) for one in expected], told, HALF)
    if vllm is not None:
        for form, files in model.in_safetensors():
            told = ask_vllm(vllm, files, model.questions, model.spec.lora.r, tokenizer.eos_token_id)
            yield Answers(f"{model.name}, {form}, vLLM", expected, told, LARGEST)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
