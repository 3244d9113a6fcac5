"""The systemd units: systemd takes them, they keep the machine closed, and stop where a person has to act."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from fedprotocol.errors import FOR_A_PERSON, FedError, as_a_service
from support import programs
from support.command_lines import wrong
from support.documents import ROOT
from support.sites import environment

UNITS = {path.name: path.read_text() for path in sorted((ROOT / "packaging/systemd").iterdir())}
MOST_EXPOSED = 2.0  # by systemd's own rating, of 10
USAGE = 2  # of an option that is wrong, by every program's parser


def parsed(text: str) -> configparser.ConfigParser:
    unit = configparser.ConfigParser(interpolation=None, strict=False)  # a setting may stand twice
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(text)
    return unit


def test_each_program_that_runs_for_long_has_one() -> None:
    assert UNITS.keys() == {f"{name}@.service" for name in ("fednode", "fedaggregator", "fedexplorer")}


@pytest.mark.parametrize("name", UNITS)
def test_it_starts_again_what_can_pass_and_stops_where_a_person_has_to_act(name: str) -> None:
    service = parsed(UNITS[name])["Service"]
    assert (service["Restart"], int(service["RestartSec"]) >= 10) == ("on-failure", True)
    assert {int(status) for status in service["RestartPreventExitStatus"].split()} == {USAGE, FOR_A_PERSON}
    program, *words = service["ExecStart"].split()
    assert Path(program).name == name.removesuffix("@.service") and not wrong([Path(program).name, *words])


@pytest.mark.process
@pytest.mark.parametrize("name", UNITS)
def test_systemd_takes_it(name: str, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze here")
    unit = tmp_path / name.replace("@", "@ward")
    text = re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", UNITS[name]).replace("User=federation", "User=root")
    unit.write_text(text)
    assert not [line for line in verified(unit).splitlines() if unit.name in line]
    rating = ["systemd-analyze", "security", "--offline=yes", f"--threshold={round(10 * MOST_EXPOSED)}", str(unit)]
    rated = subprocess.run(rating, capture_output=True, text=True, timeout=60)
    assert rated.returncode == 0, rated.stdout
    unit.write_text(text.replace("Restart=on-failure", "Restart=perhaps"))
    assert "perhaps" in verified(unit)


def verified(unit: Path) -> str:
    """What systemd says of a unit."""
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60)
    return done.stderr


class ForAPerson(FedError):
    needs_person = True


def test_what_needs_a_person_ends_a_service_with_a_status_of_its_own_and_no_other_command() -> None:
    for error, inside in ((ForAPerson("x"), FOR_A_PERSON), (FedError("x"), 1)):
        with pytest.raises(FedError) as caught, as_a_service():
            raise error
        assert caught.value.exit_code == inside
    assert ForAPerson("x").exit_code == 1


@pytest.mark.process
@pytest.mark.parametrize("form", ["human", "json"])
@pytest.mark.parametrize("program", ["fednode", "fedaggregator"])
def test_a_config_that_is_wrong_ends_the_service_for_good_and_a_command_as_ever(
    program: str, form: str, tmp_path: Path
) -> None:
    (tmp_path / "wrong.toml").write_text("[chain]\nrpc = []\n")
    run, status = (
        programs.run([program, *words, "-c", "wrong.toml"], tmp_path, environment())
        for words in (("run", "--log-format", form), ("status",))
    )
    assert (run.returncode, status.returncode) == (FOR_A_PERSON, 1), run.stderr + status.stderr
    assert "chain.rpc: must name at least 1" in run.stderr
