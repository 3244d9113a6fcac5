"""The packages as others install them: a declared API, types, a README, and ranges around the tested versions."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distributions, metadata
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from support.documents import ROOT

PACKAGES = {
    "protocol": "fedprotocol",
    "aggregator": "fedaggregator",
    "node": "fednode",
    "explorer": "fedexplorer",
    "lab": "fedlab",
}
OLDEST_PYTHON = "3.11.2"  # Debian 12's
HEAVY = ("torch", "transformers", "web3", "numpy", "pydantic")


def project(folder: str) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
    return found


@pytest.mark.parametrize("package", PACKAGES.values())
def test_every_declared_name_is_there_and_says_what_it_is(package: str) -> None:
    module = importlib.import_module(package)
    for name in module.__all__:
        assert getattr(module, name) is not None
        assert name == "__version__" or inspect.getdoc(getattr(module, name)), name
    with pytest.raises(AttributeError, match="no_such_name"):
        module.no_such_name  # noqa: B018


def test_every_pinned_package_can_be_installed_on_the_oldest_python() -> None:
    here = {canonicalize_name(found.metadata["Name"]) for found in distributions()}
    pinned = {canonicalize_name(line.partition("==")[0]) for line in (ROOT / "constraints.txt").read_text().split()}
    wanted = {name: metadata(name)["Requires-Python"] for name in pinned & here}
    assert len(wanted) > 100, "the packages are not here"
    assert {name: python for name, python in wanted.items() if OLDEST_PYTHON not in SpecifierSet(python or "")} == {}


def test_importing_the_packages_loads_nothing_heavy() -> None:
    code = f"import sys, {', '.join(PACKAGES.values())}; print(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(("folder", "package"), PACKAGES.items())
def test_a_package_has_a_readme_and_its_types(folder: str, package: str) -> None:
    assert (ROOT / folder / project(folder)["readme"]).read_text().startswith(f"# {package}\n")
    assert (ROOT / folder / "src" / package / "py.typed").exists()


@pytest.mark.parametrize("folder", PACKAGES)
def test_metadata_has_ranges_that_hold_the_tested_version(folder: str) -> None:
    tested = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().split())
    tested = {canonicalize_name(name): version for name, version in tested.items()}
    ours = (ROOT / "VERSION").read_text().strip()
    for requirement in map(Requirement, project(folder)["dependencies"]):
        version = ours if requirement.name in PACKAGES.values() else tested[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version, prereleases=True), requirement
        assert "==" not in str(requirement), "the exact version belongs in constraints.txt"


def test_every_extra_is_explained() -> None:
    table = re.findall(r"^\| `(\w+)\[(\w+)\]` \|", (ROOT / "docs/installing.md").read_text(), re.MULTILINE)
    there = [
        (package, extra)
        for folder, package in PACKAGES.items()
        for extra in project(folder).get("optional-dependencies", {})
    ]
    assert sorted(table) == sorted(there)
