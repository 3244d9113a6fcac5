"""The claims' page says what the cells say, and what is computed agrees with what is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fedlab.experiment.claims import Beside, page
from fedlab.experiment.definition import Experiment
from fedlab.experiment.needs import SHAPES, SMOLLM2_135M
from fedlab.experiment.precision import compared
from fedlab.experiment.report import plots_of
from fedlab.experiment.results import CellResult
from fedlab.experiment.tables import task_table
from fedlab.results.records import Score
from support.cell_results import result

EXPERIMENT = Experiment.model_validate(
    {
        "name": "claims",
        "rows": {
            "initial": {"kind": "initial"},
            "single": {"kind": "single"},
            "central": {"kind": "central"},
            "fedavg": {},
            "fed-nf4": {"quantization": "nf4"},
        },
        "tasks": [{"name": "t", "data": "wordnet", "rows": ["initial", "single", "central", "fedavg", "fed-nf4"]}],
    }
)


def cell(row: str, seed: int, loss: float, accuracy: float, **changes: Any) -> CellResult:
    own = row.partition(":")[2].partition("-")[0]
    domains = {name: Score(loss=loss, accuracy=accuracy + 0.1 * (name == own), items=10) for name in ("law", "money")}
    sizes = {"test_items": 20, "peak_memory_bytes": 900 << 20, "weights_bytes": 270 << 20}
    return result(row, seed, loss, accuracy, **{"by_domain": domains, **sizes, **changes})


CELLS = [
    cell("initial", 1, 4.0, 0.2),
    cell("single:law-2", 1, 3.0, 0.5),
    cell("single:money", 1, 3.2, 0.6),
    cell("central", 1, 0.4, 0.9),
    cell("fedavg", 1, 1.0, 0.8),
    cell(
        "fed-nf4", 1, 1.1, 0.79, settings={"quantization": "nf4"}, weights_bytes=112 << 20, peak_memory_bytes=800 << 20
    ),
]


def test_every_claim_is_answered_from_the_cells() -> None:
    rounds = [{"round": 1, "on_chain": "0x1", "in_one_process": "0x1"}]
    paid = {"clinic": 22_500_000_000_000_000_000, "aggregator": 10 * 10**18}
    chain = {"run": "20261125-1", "rounds": rounds, "paid": paid, "gas_of_a_round": 427_684}
    made = page(EXPERIMENT, CELLS, Beside(on_chain=chain))
    assert "| Federated training cuts the loss by 20 to 30 % or more | t 75 % |" in made
    assert "| Single-site training cuts it by 15 to 25 % | t 22 % |" in made
    assert "| Federated accuracy is 5 to 10 points above single sites | t 25.0 points |" in made
    assert "nf4: loss 1.100, accuracy 79.0 %; bf16: loss 1.000, accuracy 80.0 %" in made
    assert "nf4: weights 112 MiB, the whole process 800 MiB; bf16: weights 270 MiB, the whole process 900 MiB" in made
    assert "1 of 1 globals of run 20261125-1 are, bit for bit," in made
    assert "in 1 rounds of the same run, in tokens: clinic 22.5, aggregator 10; a round cost a site 427,684 gas" in made
    assert "| t single:law-2 | 60.0 | 50.0 |" in made
    assert "| t fedavg | 88.9 %: **missed** | 25.0 points: met | 20.0 points: met |" in made


def test_only_cells_that_differ_in_precision_alone_are_compared() -> None:
    seeds = [*CELLS, cell("fedavg", 2, 0.9, 0.8), cell("central", 2, 0.3, 0.9)]
    assert {kind: [(r.row, r.seed) for r in cells] for kind, cells in compared(EXPERIMENT, seeds).items()} == {
        "nf4": [("fed-nf4", 1)],
        "bf16": [("fedavg", 1)],
    }
    other = [r.model_copy(update={"settings": {**r.settings, "rounds": 9}}) if r.row == "fedavg" else r for r in CELLS]
    assert compared(EXPERIMENT, other) == {}


def test_precision_is_compared_on_one_device() -> None:
    there = [cell.model_copy(update={"device": "cuda", "seed": seed}) for cell in CELLS for seed in (1, 2)]
    at = compared(EXPERIMENT, [*CELLS, *there])
    assert {kind: {(r.device, r.seed) for r in cells} for kind, cells in at.items()} == {
        "nf4": {("cuda", 1), ("cuda", 2)},
        "bf16": {("cuda", 1), ("cuda", 2)},
    }
    assert compared(EXPERIMENT, [CELLS[-1], *(r for r in there if r.row == "fedavg")]) == {}


def test_what_is_measured_apart_from_the_cells_is_shown() -> None:
    other = CELLS[4].model_copy(update={"loss": 1.25, "machine": "there"})
    shape = {"model": "M", "kind": "nf4", "weights_bytes": 1 << 29, "peak_bytes": 3 << 30, "step_seconds": 0.25}
    needs = {"machine": "a GPU", "batch_size": 8, "sequence_length": 64, "shapes": [shape]}
    made = page(EXPERIMENT, CELLS, Beside(elsewhere=[other], needs=needs))
    assert "the shape of M: nf4: weights 0.5 GiB, everything while training 3.0 GiB, 0.25 s a step" in made
    assert "| M nf4 | 0.50 | 3.00 | 0.250 |" in made
    assert "Here: here. There: there." in made
    assert "| t fedavg 1 | 1.000 | 80.0 | 1.250 | 80.0 |" in made
    assert "another machine" not in page(EXPERIMENT, CELLS, Beside())


def test_seconds_and_memory_are_of_the_device_that_did_most() -> None:
    seeds = [cell("fedavg", seed, 1.0, 0.8, device="cuda", seconds=20.0) for seed in (1, 2)]
    table = task_table(EXPERIMENT, EXPERIMENT.tasks[0], [*seeds, cell("fedavg", 3, 1.0, 0.8, seconds=500.0)])
    assert "| 20 ± 0 | 900 ± 0 | cuda |" in table


def test_a_task_shows_its_own_plots_alone() -> None:
    mine, other = Path("plots/wordnet-loss.png"), Path("plots/wordnet-terms-loss.png")
    assert plots_of("wordnet", [mine, other]) == [mine]
    assert plots_of("wordnet-terms", [mine, other]) == [other]


def test_what_was_not_measured_is_not_claimed() -> None:
    made = page(EXPERIMENT, CELLS[:1], Beside())
    assert made.count("not measured yet") == 8


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("SmolLM2-135M", 134_515_008), ("TinyLlama-1.1B", 1_100_048_384), ("Llama-2-7B", 6_738_415_616)],
)
def test_shapes_have_the_parameters_that_their_authors_count(name: str, parameters: int) -> None:
    [shape] = [shape for shape in SHAPES if shape.name == name]
    assert shape.linear + shape.other == parameters
    assert shape.weights_bytes("bf16") == 2 * parameters
    assert shape.weights_bytes("nf4") < 0.45 * shape.weights_bytes("bf16") or shape is SMOLLM2_135M


def test_the_adapter_is_the_one_that_is_trained() -> None:
    assert SMOLLM2_135M.adapter(8) == 460_800
