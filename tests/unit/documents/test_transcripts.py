"""docs/operating.md shows what was printed in one run: the one that docs/transcripts.json is the record of."""

from __future__ import annotations

import importlib.util
import json
import sys
from types import ModuleType

from support.command_lines import PROGRAMS
from support.documents import ROOT, fences

TEXT = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
SMALL = """Before.
<!-- transcript-run bank
@start bank
-->

<!-- transcript clinic lines=1+1 -->
```
$ one \\
    --two
old
$ three
older
```
After.
"""


def tool() -> ModuleType:
    name = "transcript_blocks"
    specification = importlib.util.spec_from_file_location(name, ROOT / f"tools/docs/{name}.py")
    assert specification is not None and specification.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_blocks_are_those_of_the_record() -> None:
    record = json.loads((ROOT / "docs/transcripts.json").read_text(encoding="utf-8"))
    assert tool().printed(TEXT) == record, "run `make transcripts`: it writes both"
    assert len(record) > 10


def test_every_command_that_prints_something_is_in_a_block_that_was_run() -> None:
    """Else two runs are mixed again: other addresses, other stakes."""
    shown = set(tool().printed(TEXT))
    for block in fences(TEXT):
        commands = [line for line in block.splitlines() if line.startswith("$ ")]
        outputs = [line for line in block.splitlines() if not line.startswith(("$ ", "    "))]
        if commands and outputs and commands[0].split()[1] in PROGRAMS:
            assert block in shown or "error: the disputes contract" in block, block


def test_a_block_is_found_filled_and_shortened() -> None:
    blocks = tool()
    hidden, shown = blocks.blocks(SMALL)
    assert (hidden.folder, hidden.steps) == ("bank", ("@start bank",))
    assert (shown.folder, shown.commands, shown.lines) == ("clinic", ("$ one \\\n    --two", "$ three"), (1, 1))
    assert blocks.kept("a\nb\nc\n", shown.lines) == "a\n…\nc\n" and blocks.kept("a\nb\n", shown.lines) == "a\nb\n"
    filled = blocks.filled(SMALL, {0: "$ three\nnew\n"})
    assert "old" not in filled and filled.startswith("Before.\n") and filled.endswith("$ three\nnew\n```\nAfter.\n")
