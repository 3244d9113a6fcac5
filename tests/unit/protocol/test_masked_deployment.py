"""What a federation file must say where updates are masked."""

from __future__ import annotations

from pathlib import Path

import pytest
from fedprotocol.chains import usual_confirmations
from fedprotocol.config import load_config
from fedprotocol.deployment.federation_file import Federation, FederationError
from fedprotocol.deployment.masked import check_masked, most_examples
from fedprotocol.spec import load_spec
from support.specs import MASKED, small_spec

SITES = [f"0x{n:040x}" for n in range(1, 5)]
MEMBERS = f"[members]\nmax_clients = 16\nallowlist = {SITES}\n"
MONEY = "[money]\npenalty = 100\nmin_stake = 400\n"
PHASES = '[phases]\nreveal = "21m"\nattest = "36m"\n'
ETHEREUM, DEVELOPMENT = 1, 31_337
SPEC = load_spec(small_spec(**MASKED))


def federation(folder: Path, text: str) -> Federation:
    path = folder / "federation.toml"
    path.write_text(f'spec = "spec.json"\n{text}')
    return load_config(path, Federation)


def refused(folder: Path, text: str, chain_id: int = DEVELOPMENT) -> str:
    with pytest.raises(FederationError) as caught:
        check_masked(federation(folder, text), SPEC, chain_id)
    return str(caught.value)


def test_what_fits_passes(tmp_path: Path) -> None:
    made = federation(tmp_path, MEMBERS + MONEY + PHASES)
    check_masked(made, SPEC, ETHEREUM)
    assert most_examples(made) == 2**15 // 16


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    said = refused(tmp_path, "[members]\nmin_clients = 2\nmax_clients = 65\n[phases]\nreveal = 299\nattest = 1199\n")
    keys = ["members.allowlist", "members.min_clients = 2", "members.max_clients = 65", "money.penalty = 10"]
    keys += ["phases.reveal = 299 s: at least 300 s", "phases.attest = 1199 s: at least 1200 s"]
    assert [line.strip().startswith(key) for line, key in zip(said.splitlines()[1:], keys, strict=True)] == [True] * 6


def test_phases_hold_what_the_chain_and_the_slowest_site_need(tmp_path: Path) -> None:
    settling = usual_confirmations(ETHEREUM) * 12  # seconds, after which work may begin
    assert settling > 0
    reveal, attest = settling + 300, settling + 1200

    def phases(reveal: int, attest: int) -> str:
        return MEMBERS + MONEY + f"[phases]\nreveal = {reveal}\nattest = {attest}\n"

    fits = phases(reveal, attest)
    check_masked(federation(tmp_path, fits), SPEC, ETHEREUM)
    for short in (phases(reveal - 1, attest), phases(reveal, attest - 1), fits + "[private]\nmasking = 301\n"):
        assert "until the phase before is final on this chain" in refused(tmp_path, short, ETHEREUM)
    longer = fits + '[private]\nmasking = "5m"\ntransfer = "1h"\n'
    assert f"phases.attest = {attest} s: at least {settling + 3600} s" in refused(tmp_path, longer, ETHEREUM)


def test_a_public_federation_has_no_such_section(tmp_path: Path) -> None:
    public = load_spec(small_spec())
    check_masked(federation(tmp_path, ""), public, ETHEREUM)
    with pytest.raises(FederationError, match="fednode spec new --private"):
        check_masked(federation(tmp_path, "[private]\n"), public, ETHEREUM)
