"""docs/moving.md on a real chain: another password, another machine, leaving, coming back, another key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account import Account
from fednode.config import load
from fednode.doctor import CHECKS
from fednode.doctor.check import Patient, fix_of
from fednode.session import Session
from fedprotocol.chain.account import keys
from fedprotocol.program.doctor import CheckResult, examined
from fedprotocol.types import Phase
from support.evm import Anvil
from support.sites import Site, Sites, choices

PATIENCE = 120.0  # seconds


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil("--block-time", "1", "--mixed-mining") as anvil:
        yield anvil


def stop(site: Site) -> None:
    """As systemd does."""
    assert site.process is not None
    site.process.terminate()
    assert site.process.wait(timeout=30) == 0, site.console()


def check(site: Site, name: str) -> CheckResult:
    """One check of `fednode doctor`."""
    [one] = [replace(check, needs=()) for check in CHECKS if check.name == name]
    with Session(load(site.config)) as session:
        patient = Patient(session, site.config)
        return next(examined([one], patient, lambda error: fix_of(error, patient)))


def test_password_machine_leaving_coming_back_and_another_key(chain: Anvil, tmp_path: Path) -> None:
    training = {**choices().model_dump()["training"], "rounds": 4}
    sites = Sites(chain, tmp_path, 2, {"node": {"claim": None}}, {"training": training}, trainLength=120)
    coordinator, (site, other) = sites.coordinator, sites.sites
    try:
        for each in sites.sites:
            each.command("join")
        another_password(site)

        # To another machine between commit and reveal: the secret that opens the commitment goes along.
        site.run()
        sites.wait(lambda: coordinator.last_opened() == 1, PATIENCE, "the first commit")
        stop(site)
        site = sites.sites[0] = moved(site, tmp_path / "new-machine" / "clinic")
        text = other.config.read_text()  # the others name the store where it is now
        other.config.write_text(text.replace(f"{tmp_path}/site-0/store", f"{site.folder}/store"))
        assert check(site, "account").ok and check(site, "home").ok
        site.run()
        other.run()
        sites.wait(lambda: coordinator.round_view(1).phase is Phase.FINAL, PATIENCE, "round 1")
        assert coordinator.round_view(1).revealed == 2
        assert "commitment is of an update that is not in the journal" not in site.console()
        stop(site)

        # Leaving, and coming back with the same folder.
        leave(sites, site)
        assert re.fullmatch(r"received \d+(\.\d+)? FED\n", site.command("claim").stdout)
        assert check(site, "seat").detail == "this account has no seat yet"
        other.kill()
        first_again = coordinator.last_opened() + 1
        assert f"takes part from round {first_again} on, stake 1300 FED" in site.command("join").stdout
        assert check(site, "seat").ok

        another_key(sites, site)
    finally:
        sites.stop()


def another_password(site: Site) -> None:
    new = site.folder / "new.txt"
    new.touch(mode=0o600)
    new.write_text("the new password\n")
    before = site.account.address
    said = site.command("account", "password", "--new-password-file", "new.txt").stdout
    assert f"the account is still {before}" in said and "password.txt still holds the old password" in said
    assert "wrong password" in check(site, "account").detail
    new.replace(site.folder / "password.txt")
    assert check(site, "account").detail == f"{before} (can sign)"


def moved(site: Site, folder: Path) -> Site:
    folder.parent.mkdir()
    site.folder.rename(folder)
    return Site(folder, site.account)


def leave(sites: Sites, site: Site) -> None:
    """Where a round of the account is open, its node first has to see it to its end."""
    said = site.command("exit").stdout
    assert re.match(r"left: this account takes no part from round \d+ on\n", said)
    if is_open := re.search(r"round (\d+) is still open: keep `fednode run` going", said):
        number = int(is_open.group(1))
        site.run()
        sites.wait(lambda: sites.coordinator.round_view(number).phase.settled, PATIENCE, f"round {number}")
        stop(site)
        said = site.command("exit").stdout
    assert re.search(r"took back 1300 FED(; rewards: `fednode claim`)?\n$", said)


def another_key(sites: Sites, old: Site) -> None:
    """A new folder with a key of its own joins, the old one leaves; the new account has the seat in the next round."""
    folder = old.folder.with_name("new-key")
    folder.mkdir()
    for name in ("fednode.toml", "password.txt", "train.jsonl", "test.jsonl"):
        (folder / name).write_bytes((old.folder / name).read_bytes())
        (folder / name).chmod((old.folder / name).stat().st_mode & 0o777)
    new = Site(folder, Account.create())
    address = new.command("account", "new").stdout.strip()
    assert address == keys.address_of(folder / "key.json") != old.account.address
    sites.federation.provide(address)
    new.command("join")
    assert "took back 1300 FED" in old.command("exit").stdout
    seats = [sites.coordinator.seat(account) for account in (old.account.address, address)]
    assert [seat.active_from > 0 for seat in seats] == [False, True]
    assert check(new, "seat").ok and check(new, "home").ok
