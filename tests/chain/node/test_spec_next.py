"""`fednode spec next`: a federation that goes on from a final round of a real chain."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fedaggregator.rules import RULES
from fednode.cli.app import app
from fednode.cli.spec_options import OPTIONS
from fednode.sponsor.new_spec import NewFederation, load
from fednode.sponsor.successor import NothingToGoOnFrom, final_global, successor
from fedprotocol.base_model import BaseModelRef
from fedprotocol.errors import FedError
from fedprotocol.store.base import NotFound
from fedprotocol.store.open import open_store
from numpy.typing import NDArray
from support.evm import Anvil
from support.sites import Sites
from support.synthetic import SyntheticClient, expected_global, play_inputs
from typer.main import get_command
from typer.testing import CliRunner, Result

AHEAD = ("--look-ahead", "0.2", "--rate-ratio-b", "2", "--optimizer", "adamw_factored")
SMALL = ("--batch-size", "2", "--sequence-length", "16")


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    """A federation before its first round is over."""
    with Anvil() as chain:
        yield Sites(chain, tmp_path_factory.mktemp("old"), 1, minWindow=1)


@pytest.fixture(scope="module")
def ended(old: Sites) -> NDArray[np.int32]:
    """Its round 1 becomes final; returns the values of that global, which is in the first client's store."""
    clients = [SyntheticClient(old.federation, old.folder / f"client-{seed}", seed) for seed in range(2)]
    for client in clients:
        client.join()
    play_inputs(clients, 1, old.spec.genesis.root)
    prior = old.spec.spec.layout.weights(old.spec.genesis)
    values = expected_global(old.federation, prior, clients, 1)
    clients[0].propose(1, values)
    old.federation.pass_time(600)
    for client in clients:
        client.close()
    return values


def spec_next(old: Sites, out: Path, *options: str) -> Result:
    chain = old.federation.chain
    where = ["--coordinator", old.coordinator.address, "--chain-id", str(old.coordinator.chain_id), "--rpc", chain.url]
    peers = ["--peer", old.sponsor_url, "--peer", f"dir:{old.folder}/client-0/store"]
    made = ["spec", "next", *where, *peers, "--source", str(old.model), "--out", str(out), *options]
    return CliRunner().invoke(app, made)


def test_before_a_round_is_final_there_is_nothing_to_go_on_from(old: Sites, tmp_path: Path) -> None:
    refused = spec_next(old, tmp_path / "out")
    assert isinstance(refused.exception, NothingToGoOnFrom), refused.output
    assert "no round of the federation" in str(refused.exception) and not (tmp_path / "out").exists()


def test_it_starts_where_the_old_one_ended(old: Sites, ended: NDArray[np.int32], tmp_path: Path) -> None:
    out = tmp_path / "next"
    result = spec_next(
        old, out, "--name", "Colours again", "--rounds", "5", "--learning-rate", "1e-3", *AHEAD, *SMALL, "--json"
    )
    assert result.exit_code == 0, (result.output, result.exception)
    assert "go on from round 1 of “Colours”" in result.stderr
    made = load(out)
    assert json.loads(result.stdout)["genesis_root"] == made.spec.genesis_root
    assert np.array_equal(made.spec.layout.weights(made.genesis), ended)
    before, now = old.spec.spec, made.spec
    assert (now.name, now.training.rounds, now.training.learning_rate) == ("Colours again", 5, 1e-3)
    changed = {"rounds", "learning_rate", "batch_size", "sequence_length", "look_ahead", "rate_ratio_b", "optimizer"}
    assert (now.training.look_ahead, now.training.rate_ratio_b, now.training.optimizer) == (0.2, 2, "adamw_factored")
    assert now.training.model_dump(exclude=changed) == before.training.model_dump(exclude=changed)
    for same in ("base_model", "layout", "lora", "quantization", "prompt", "evaluation", "rule", "server_lr"):
        assert getattr(now, same) == getattr(before, same), same
    assert now.bounds != before.bounds  # computed for the new rate
    joined = spec_next(old, tmp_path / "joined", "--join", " ", "--min-noise", "0.7", *SMALL, "--no-try")
    assert joined.exit_code == 0, (joined.output, joined.exception)
    spec = load(tmp_path / "joined").spec
    assert now.privacy is None and spec.privacy is not None and spec.privacy.noise == 0.7
    assert spec.prompt.join == " " and before.prompt.join is None
    assert spec.evaluation.classes == tuple(name.strip() for name in before.evaluation.classes)
    again = spec_next(old, out)
    assert "is not overwritten" in str(again.exception)


def test_what_cannot_be_gone_on_from(old: Sites, ended: NDArray[np.int32], tmp_path: Path) -> None:
    out = tmp_path / "next"
    assert "round 2 is not final; the last one that is is round 1" in str(spec_next(old, out, "--round", "2").exception)
    assert "--optimizer 'adamw_torhc' is unknown" in str(spec_next(old, out, "--optimizer", "adamw_torhc").exception)
    assert not out.exists()
    nobody = open_store(f"dir:{tmp_path}/nobody", tmp_path / "cache", [old.sponsor_url])
    with pytest.raises(NotFound):
        final_global(old.coordinator, nobody)
    found = final_global(old.coordinator, open_store(f"dir:{old.folder}/client-0/store", tmp_path, [old.sponsor_url]))
    assert np.array_equal(found.units, ended)
    other = found.spec.model_copy(update={"base_model": other_model(found.spec.base_model)})
    with pytest.raises(FedError, match="is not the base model"):
        successor(type(found)(other, 1, found.root, found.units), {}, str(old.model))


def other_model(base: BaseModelRef) -> BaseModelRef:
    return base.model_copy(update={"digest": "0x" + 32 * "12"})


def test_what_another_rule_keeps_beside_the_weights_begins_at_zero(old: Sites) -> None:
    spec, values = old.spec.spec, np.arange(old.spec.spec.layout.value_count, dtype=np.int32)
    from fednode.sponsor import successor as made_of

    made: NewFederation = successor(made_of.Ended(spec, 1, b"", values), {"rule": "fedavgm"}, str(old.model))
    layout = made.spec.layout
    assert (spec.rule, made.spec.rule) == ("fedavg", "fedavgm")
    assert (spec.layout.parts, layout.parts) == (1, 2) and len(made.genesis) == 2 * layout.leaf_count
    assert np.array_equal(layout.weights(made.genesis), values)
    assert not any(any(made.genesis[index]) for index in range(layout.leaf_count, len(made.genesis)))


def test_the_help_names_every_rule() -> None:
    command = get_command(app).commands["spec"].commands["new"]  # type: ignore[attr-defined]
    [rule] = [parameter for parameter in command.params if parameter.name == "rule"]
    assert [name for name in RULES if name not in re.findall(r"[a-z-]+", rule.help)] == []


def test_its_options_are_those_of_spec_new() -> None:
    command = get_command(app).commands["spec"].commands["next"]  # type: ignore[attr-defined]
    own = {option for parameter in command.params for option in parameter.opts}
    fixed = {"--base-model", "--revision", "--rank", "--alpha", "--target-module", "--quantization", "--double-quant"}
    fixed |= {"--compute", "--leaf-values", "--bits", "--server-lr", "--seed"}
    assert set(OPTIONS.values()) - own == fixed
