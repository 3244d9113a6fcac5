"""`make exports`: the same questions to a federation's model in fednode, and to its exported GGUF files in llama.cpp.

For models of every architecture and tokenizer that can be written: whether both make the same tokens of the prompts,
find the same probabilities, and answer with the same tokens. It needs llama.cpp, which `pip install xllamacpp` brings.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from exports.ask import ask_fednode, ask_llama_cpp
from exports.compare import Answers, compared, problems
from exports.models import Model, models


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="exports", description=__doc__)
    parser.add_argument("--base", help="a further base model, of some real size: folder, GGUF file or hub id")
    parser.add_argument("--only", help="the name of the one model to try")
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
                for answers in _tried(model):
                    print(compared(answers), flush=True)
                    found += problems(answers)
    print("\n" + ("\n".join(found) or "llama.cpp and fednode agree"))
    return 1 if found else 0


def _tried(model: Model) -> Iterator[Answers]:
    expected = ask_fednode(model)
    for form, files, is_exact in model.exported():
        yield Answers(f"{model.name}, {form}", expected, ask_llama_cpp(files, model.questions), is_exact)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
