"""The federation files of public chains and the tables of costs are those that follow from the presets."""

from __future__ import annotations

import importlib.util
import tomllib
from types import ModuleType

import pytest
from fedprotocol.chains import CHAINS
from fedprotocol.deployment.federation_file import Phases
from support.documents import ROOT


@pytest.fixture(scope="module")
def presets() -> ModuleType:
    spec = importlib.util.spec_from_file_location("presets", ROOT / "tools/presets.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_nothing_is_stale(presets: ModuleType) -> None:
    stale = [path for path, text in presets.wanted().items() if not path.exists() or path.read_text() != text]
    assert not stale, "run tools/presets.py"
    assert presets.page("<!-- table: prices -->\nold\n<!-- end -->").count("Sepolia") == 1, "a table would be seen"


def test_a_preset_is_a_federation_file(presets: ModuleType) -> None:
    for chain in CHAINS:
        given = tomllib.loads(presets.file_for(chain))
        phases = Phases.model_validate(given["phases"])
        assert phases.model_dump() == vars(chain.phases)
        assert given["proof"]["gas_price"] >= chain.gas_gwei
