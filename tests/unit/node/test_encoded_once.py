"""How many rows a round tokenises: those that it uses, however many there are."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fednode.data import check_data, load_data
from fednode.data.encode import Encoder
from fednode.data.encoded_rows import Drawn, Kept
from fednode.data.plain_text import EncodingError
from fednode.training import AdapterModel
from fedprotocol.spec import Spec
from support.encoders import encoder_of
from support.tiny_model import TEMPLATE, colour_rows, tiny_tokenizer, write_jsonl
from support.tiny_spec import tiny_spec
from support.tokenizer_kinds import word_piece

pytestmark = pytest.mark.model

STEPS, BATCH, PARTS = 3, 4, 2


@pytest.fixture(scope="module")
def loaded(tiny_folder: Path) -> tuple[Spec, AdapterModel]:
    spec, adapter = tiny_spec(tiny_folder, "fp32", steps=STEPS, batch_size=BATCH, gradient_accumulation=PARTS)
    model = AdapterModel.load(spec, None, "cpu", 1)
    model.set_global(adapter.units)
    return spec, model


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """50,000, no two of them alike."""
    made = [{**row, "prompt": f"{row['prompt']} {n}"} for n, row in enumerate(colour_rows(50_000))]
    return load_data(write_jsonl(tmp_path_factory.mktemp("data") / "d.jsonl", made))


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each prompt was."""
    counted: Counter[str] = Counter()
    example = Encoder.example

    def counting(self: Encoder, prompt: str, completion: str, end: bool = True) -> Any:
        counted[prompt] += 1
        return example(self, prompt, completion, end)

    monkeypatch.setattr(Encoder, "example", counting)
    return counted


def test_a_round_encodes_the_rows_that_it_draws(
    loaded: tuple[Spec, AdapterModel], rows: Any, encoded: Counter[str]
) -> None:
    spec, model = loaded
    used = STEPS * BATCH * PARTS
    for number in (1, 2):
        encoded.clear()
        result = model.train(spec, rows, number, seed=0)
        assert used <= encoded.total() <= used + BATCH, "the loader is one batch ahead"
        assert result.drawn == len(encoded)
        assert result.truncated == 0


def test_a_round_starts_as_soon_with_many_rows_as_with_few(loaded: tuple[Spec, AdapterModel], rows: Any) -> None:
    spec, model = loaded
    spent = {}
    for name, some in (
        ("few", rows.select(range(100))),
        ("many", rows),
        ("few", rows.select(range(100))),
        ("many", rows),
    ):
        began = time.process_time()
        model.train(spec, some, 1, seed=0)
        spent[name] = time.process_time() - began
    assert spent["many"] < spent["few"] + 0.5, "seconds of the processor, where tokenising all takes ten"


def test_test_rows_are_encoded_once(loaded: tuple[Spec, AdapterModel], rows: Any, encoded: Counter[str]) -> None:
    spec, model = loaded
    some = rows.select(range(40))
    first = model.evaluate(spec, some)
    assert set(encoded.values()) == {1} and len(encoded) == 40
    again = model.evaluate(spec, load_data_again(some))
    assert again == first
    assert encoded.total() == 40, "their content counts, not the table they are in"


def load_data_again(data: Any) -> Any:
    from datasets import Dataset

    return Dataset.from_dict({name: list(data[name]) for name in data.column_names})


def test_what_is_kept_has_a_bound_and_changes_nothing(rows: Any, encoded: Counter[str]) -> None:
    encoder, some = encoder_of(tiny_tokenizer(), TEMPLATE, 64), rows.select(range(30))
    plain = [encoder.example(row["prompt"], row["completion"], end=False) for row in some]
    kept = Kept(encoder, most_tokens=sum(len(example.input_ids) for example in plain[:10]))
    encoded.clear()
    assert list(kept.examples(some)) == list(kept.examples(some)) == plain
    assert encoded.total() == 30 + 20


def test_rows_that_were_drawn_and_cut_are_counted(rows: Any) -> None:
    encoder = encoder_of(tiny_tokenizer(), TEMPLATE, 64)
    long = rows.select(range(4)).map(lambda row, n: {"prompt": row["prompt"] * (1 + 50 * (n == 2))}, with_indices=True)
    drawn = Drawn(long, encoder)
    assert [drawn[n].truncated for n in (2, 1, 2)] == [True, False, True]
    assert (len(drawn.drawn), sum(drawn.drawn.values()), len(drawn)) == (2, 1, 4)
    assert drawn[1] == encoder.example(long[1]["prompt"], long[1]["completion"])


def test_a_completion_without_a_token_is_named(tmp_path: Path) -> None:
    """A tokenizer may throw characters away: such a row ends the round that draws it; data check finds it before."""
    encoder = encoder_of(word_piece(), TEMPLATE, 64)
    path = write_jsonl(
        tmp_path / "d.jsonl", [{"prompt": "x", "completion": "red"}, {"prompt": "x", "completion": "\x01"}]
    )
    data = load_data(path)
    with pytest.raises(EncodingError, match=r"row 2 of the data: the base model's tokenizer makes no token of"):
        _ = [Drawn(data, encoder)[n] for n in (0, 1)]
    with pytest.raises(EncodingError, match="row 2 of the data"):
        list(Kept(encoder).examples(data))
    report = check_data(path, encoder)
    assert not report.ok
    assert "1 completions are nothing to the base model's tokenizer: take their rows out" in report.lines()
