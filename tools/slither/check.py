"""Run every slither detector on the contracts and compare the findings with answers.toml. Exits with 1 if a finding has
no answer, or an answer no finding. These are left out: node_modules, contracts/mocks (for tests),
contracts/rules/reference (never deployed).
"""

from __future__ import annotations

import inspect
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from crytic_compile import CryticCompile
from crytic_compile.platform.solc_standard_json import SolcStandardJson
from slither import Slither
from slither.detectors import all_detectors
from slither.detectors.abstract_detector import AbstractDetector

ROOT = Path(__file__).resolve().parents[2]
ANSWERS = Path(__file__).with_name("answers.toml")
NOT_OURS = ("node_modules/", "contracts/mocks/", "contracts/rules/reference/")
EVERYWHERE = "everywhere"

Finding = dict[str, Any]


def main() -> int:
    answers = tomllib.loads(ANSWERS.read_text())
    unused = {(check, where) for check, places in answers.items() for where in places}
    found = list(analyse())
    opened = 0
    for finding in found:
        check, where = finding["check"], place(finding["elements"][0])
        answer = next((at for at in (EVERYWHERE, where) if at in answers.get(check, {})), None)
        if answer is None:
            opened += 1
            print(f"NOT ANSWERED: {finding['impact']} {check} at {where}\n{finding['description'].rstrip()}\n")
        unused.discard((check, answer))
    for check, where in sorted(unused):
        print(f"OBSOLETE: {ANSWERS.name} answers {check} at {where}, which slither does not find")
    print(f"slither: {len(found)} findings, {opened} of them without an answer")
    return 1 if opened or unused else 0


def analyse() -> Iterator[Finding]:
    """The findings in all files that are not left out."""
    settings = yaml.safe_load((ROOT / "brownie-config.yaml").read_text())["compiler"]["solc"]
    sources = [path for folder in ("contracts", "interfaces") for path in sorted((ROOT / folder).rglob("*.sol"))]
    names = {path.relative_to(ROOT).as_posix(): path for path in sources}
    request = {
        "language": "Solidity",
        "sources": {n: {"content": p.read_text()} for n, p in names.items() if not n.startswith(NOT_OURS)},
        "settings": {
            "evmVersion": settings["evm_version"],
            "optimizer": settings["optimizer"],
            "remappings": settings["remappings"],
        },
    }
    compiled = CryticCompile(
        SolcStandardJson(request),
        solc=str(ROOT / "tools/solc"),
        solc_working_dir=str(ROOT),
        solc_disable_warnings=True,
    )
    slither = Slither(compiled)
    for detector in vars(all_detectors).values():
        if inspect.isclass(detector) and issubclass(detector, AbstractDetector):
            slither.register_detector(detector)
    for finding in (finding for found in slither.run_detectors() for finding in found):
        files = [element["source_mapping"]["filename_relative"] for element in finding["elements"]]
        if not all(file.startswith(NOT_OURS) for file in files):
            yield finding


def place(element: dict[str, Any]) -> str:
    """The name of an element: `Contract.function.variable`, or a part of that."""
    names = [element["name"]]
    while parent := element.get("type_specific_fields", {}).get("parent"):
        element = parent
        names.insert(0, element["name"])
    return ".".join(names)


if __name__ == "__main__":
    sys.exit(main())
