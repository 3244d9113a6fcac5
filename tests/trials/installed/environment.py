"""Wheels of the packages, and an environment that has them and nothing of the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.evm import ROOT

from installed.called import going_on, heard

PACKAGES = ("protocol", "aggregator", "node", "explorer")
VERSIONS = ("3.11", "3.12", "3.13")


@dataclass(frozen=True)
class Installed:
    """A virtual environment in `folder`. What runs in it sees neither PYTHONPATH nor a program of the checkout."""

    folder: Path

    def run(self, words: list[str], cwd: Path, password: str) -> str:
        return heard(self._command(words), cwd, self.variables(password))

    def start(self, words: list[str], cwd: Path, password: str) -> subprocess.Popen[bytes]:
        return going_on(self._command(words), cwd, self.variables(password))

    def variables(self, password: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
        return {**kept, "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin", "FEDNODE_PASSWORD": password}

    def _command(self, words: list[str]) -> list[str]:
        return [str(self.folder / "bin" / words[0]), *words[1:]]


def pythons() -> Iterator[tuple[str, str]]:
    """Version and program of each Python that is there."""
    for version in VERSIONS:
        found = shutil.which(f"python{version}")
        built = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
        if found and subprocess.run([found, "--version"], capture_output=True).returncode == 0:
            yield version, found
        elif built:
            yield version, str(built[-1])


def build_wheels(folder: Path) -> None:
    """One for each package that an operator installs."""
    for package in PACKAGES:
        source = folder / "source" / package
        ignored = shutil.ignore_patterns("*.egg-info", "build", "__pycache__")
        shutil.copytree(ROOT / package, source, ignore=ignored)  # links become the files that they name
        wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(source)]
        subprocess.run(wheel, check=True)


def install(python: str, folder: Path, wheels: Path) -> Installed:
    """A new environment with what `pip install fednode` brings, and the explorer."""
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", "--find-links", str(wheels)]
    subprocess.run([*pip, "fednode", "fedexplorer"], check=True, cwd=folder)
    return Installed(folder)
