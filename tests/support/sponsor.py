"""A sponsor who uses `fednode federation` in a folder of their own, which holds a spec and nothing else of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fednode.cli.app import app
from fedprotocol.deployment.record import Deployment, load_deployment
from fedprotocol.errors import FedError
from fedprotocol.printable import paragraph
from support.evm import Chain
from support.specs import small_federation
from typer.testing import CliRunner

CHAIN_ID = 31_999
Words = tuple[str, ...]


@dataclass
class Sponsor:
    """`chain` is one for development, of the id CHAIN_ID; its first account sends unless a key file is named."""

    folder: Path
    chain: Chain

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        small_federation(self.folder / "spec.json")

    @property
    def records(self) -> Path:
        return self.folder / "deployments"

    def answer(self, *words: str, **environment: str) -> tuple[int, str]:
        """Exit status, and what is printed."""
        given = {"FED_RPC": self.chain.url, "DEPLOYMENTS_DIR": str(self.records), "COLUMNS": "400", **environment}
        result = CliRunner().invoke(app, ["federation", *words], env=given)
        if isinstance(result.exception, FedError):
            return result.exception.exit_code, f"{result.output}error: {paragraph(str(result.exception))}"
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    def run(self, *words: str, **environment: str) -> str:
        """What a command prints that must succeed."""
        status, output = self.answer(*words, **environment)
        assert status == 0, (words, output)
        return output

    def refused(self, cases: Mapping[Words, str], **environment: str) -> None:
        """Each call must fail with its message."""
        for words, message in cases.items():
            status, output = self.answer(*words, **environment)
            assert status != 0 and message in output, (words, output)

    def file(self, text: str = "", name: str = "federation.toml") -> str:
        """A federation file of the folder's spec; returns its path."""
        path = self.folder / name
        path.write_text(f'spec = "spec.json"\n{text}')
        return str(path)

    def deployment(self, records: Path | None = None) -> Deployment:
        """The record of the federation that was deployed last."""
        return load_deployment(records or self.records, CHAIN_ID)
