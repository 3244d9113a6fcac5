"""What a person is told after an upgrade, by both programs."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from fedaggregator.cli.app import app as aggregator
from fedaggregator.config import render as render_aggregator
from fednode import __version__
from fednode.cli.app import app as node
from fednode.config import render as render_node
from fedprotocol.program.upgrades import UnknownVersion, newer, note, releases, tell_upgrade, versions
from support.documents import ROOT
from typer.testing import CliRunner

CHAIN = {"rpc": ["https://node.example"], "chain_id": 5, "coordinator": "0x" + 40 * "1"}
REST = {"store": "dir:store", "peers": [], "keystore": "key.json"}
PROGRAMS = {
    "fednode": (node, render_node(**CHAIN, **REST, train="train.jsonl")),  # type: ignore[arg-type]
    "fedaggregator": (aggregator, render_aggregator(**CHAIN, **REST, password_file=None)),  # type: ignore[arg-type]
}
MADE_UP = "# Changes\n\n## 3.1 (not released)\n\nNew.\n\n### Part\n- one\n\n## 3.0.2\n\nOlder.\n\n## 2.0\n"


def test_changes_are_told_apart_by_version() -> None:
    found = releases(MADE_UP)
    assert [release.version for release in found] == ["3.1", "3.0.2", "2.0"]
    assert found[0].text == "## 3.1 (not released)\n\nNew.\n\n### Part\n- one"
    assert [release.version for release in newer("2.0", found)] == ["3.1", "3.0.2"]
    assert newer("3.1", found) == []
    with pytest.raises(UnknownVersion, match=r"3\.0 is not in the list of changes, which has 3\.1, 3\.0\.2, 2\.0"):
        newer("3.0", found)


def test_the_list_that_is_shipped_is_the_repositorys_and_begins_with_this_version() -> None:
    shipped = releases()
    assert shipped[0].version == __version__ == (ROOT / "VERSION").read_text().strip()
    assert "\n\n".join(release.text for release in shipped) in (ROOT / "CHANGELOG.md").read_text()
    assert all("### When you upgrade" in release.text for release in shipped[:-1])


def test_a_home_remembers_which_versions_ran(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert versions(tmp_path) == []
    assert [note(tmp_path, one) for one in ("0.1.0", "0.1.0", "0.2.0", "0.2.0")] == [None, None, "0.1.0", None]
    assert versions(tmp_path) == ["0.1.0", "0.2.0"]
    with caplog.at_level(logging.WARNING):
        tell_upgrade(tmp_path, "fednode", "0.2.0")
        assert not caplog.messages
        tell_upgrade(tmp_path, "fednode", "0.3.0")
    assert caplog.messages == [
        "this is version 0.3.0; 0.2.0 ran here before: `fednode upgrade-notes` says what changed"
    ]


def test_what_a_disk_has_spoiled_keeps_no_program_from_starting(tmp_path: Path) -> None:
    note(tmp_path, "0.1.0")
    file = tmp_path / "versions.txt"
    for spoiled in (bytes(40), b"\xff\xfe\x80", b"\n\n", b"0.2", b"of a person\n"):
        file.write_bytes(file.read_bytes() + spoiled)
        assert versions(tmp_path)[-1] == "0.1.0"
    assert note(tmp_path, "0.2.0") == "0.1.0"
    assert versions(tmp_path) == ["0.1.0", "0.2.0"]
    file.write_bytes(bytes(100))
    assert note(tmp_path, "0.3.0") is None and versions(tmp_path) == ["0.3.0"]


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_changed_since_the_version_that_ran_before(tmp_path: Path, name: str) -> None:
    app, text = PROGRAMS[name]
    (tmp_path / "config.toml").write_text(text)

    def said(*words: str) -> str:
        result = CliRunner().invoke(app, ["upgrade-notes", *words, "--config", str(tmp_path / "config.toml")])
        assert result.exit_code == 0, result.exception
        return result.stdout

    nothing_ran = f"no other version than {__version__} has run here"
    assert nothing_ran in said()
    home = tmp_path / "home"
    home.mkdir()
    note(home, "0.1.0")
    of_an_upgrade = said()
    assert of_an_upgrade.startswith(f"{name} {__version__}; what changed after 0.1.0:\n\n## {__version__}")
    assert "## 0.1.0" not in of_an_upgrade
    note(home, __version__)
    assert said() == of_an_upgrade, "also once the new version has run"
    assert said("--since", "0.1.0") == of_an_upgrade
    assert said("--since", __version__) == f"nothing changed after {__version__}\n"


def test_no_config_is_read_for_a_given_version(tmp_path: Path) -> None:
    words = ["upgrade-notes", "--since", "0.1.0", "--config", str(tmp_path / "none.toml")]
    assert f"## {__version__}" in CliRunner().invoke(node, words).stdout
