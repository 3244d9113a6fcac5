"""The systemd units of docs/operating.md: systemd takes them, and they stop where a person has to act."""

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

UNITS = dict(
    re.findall(r"```ini\n# /etc/systemd/system/(\S+)\n(.*?)```", (ROOT / "docs/operating.md").read_text(), re.DOTALL)
)
USAGE = 2  # of an option that is wrong, by every program's parser


def parsed(text: str) -> configparser.ConfigParser:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(text)
    return unit


def test_each_program_that_runs_for_long_has_one() -> None:
    assert UNITS.keys() == {"fednode.service", "fedaggregator.service"}


@pytest.mark.parametrize("name", UNITS)
def test_it_starts_again_what_can_pass_and_stops_where_a_person_has_to_act(name: str) -> None:
    service = parsed(UNITS[name])["Service"]
    assert (service["Restart"], int(service["RestartSec"]) >= 10) == ("on-failure", True)
    assert {int(status) for status in service["RestartPreventExitStatus"].split()} == {USAGE, FOR_A_PERSON}
    program, *words = service["ExecStart"].split()
    assert Path(program).name == name.removesuffix(".service") and not wrong([Path(program).name, *words])


@pytest.mark.process
@pytest.mark.parametrize("name", UNITS)
def test_systemd_takes_it(name: str, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze here")
    unit = tmp_path / name
    unit.write_text(
        re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", UNITS[name]).replace(f"User={name[:-8]}", "User=root")
    )
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60)
    about_it = [line for line in done.stderr.splitlines() if name in line]
    assert not about_it, about_it
    wrong_unit = tmp_path / f"wrong-{name}"
    wrong_unit.write_text(unit.read_text().replace("Restart=on-failure", "Restart=perhaps"))
    done = subprocess.run(["systemd-analyze", "verify", str(wrong_unit)], capture_output=True, text=True, timeout=60)
    assert "perhaps" in done.stderr


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
