"""What `data check` says of rows that can be read: repeated, contradicting, odd, and too many to hold."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from fednode.data import check_data
from fednode.data.twins import Found, Twins
from fedprotocol.spec import load_spec
from support.encoders import encoder_of
from support.specs import small_spec
from support.tiny_model import TEMPLATE, tiny_tokenizer, write_jsonl

pytestmark = pytest.mark.model


def rows(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"prompt": prompt, "completion": answer} for prompt, answer in pairs]


def test_rows_that_contradict_each_other(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "d.jsonl", rows(("x", "a"), ("same", "a"), ("same", "b"), ("same", "a"), ("y", "b")))
    said = check_data(path).lines()
    assert said[1:] == [
        "1 rows repeat an earlier row (kept)",
        "3 rows contradict each other: the same prompt with another answer, such as lines 2 and 3",
    ]
    joined = load_spec(small_spec(prompt={"template": "{prompt}:", "join": " "}))
    spaces = write_jsonl(tmp_path / "s.jsonl", rows(("x", "a"), ("x ", " a"), (" x", "b")))
    assert check_data(spaces).twins == Found(0, 0, None)
    assert check_data(spaces, spec=joined).twins == Found(1, 3, (1, 3))


def test_twins_are_those_that_comparing_all_rows_finds() -> None:
    chance = Random(0)
    pairs = [(str(chance.randrange(40)), str(chance.randrange(3))) for _ in range(120)]
    twins = Twins()
    for number, (prompt, answer) in enumerate(pairs, start=1):
        twins.add(number, prompt, answer)
    found = twins.found()
    asked = {prompt: {a for p, a in pairs if p == prompt} for prompt, _ in pairs}
    assert found.repeated == len(pairs) - len(set(pairs))
    assert found.contradicting == sum(len(asked[prompt]) > 1 for prompt, _ in pairs)
    first, second = (pairs[number - 1] for number in found.pair or ())
    assert first[0] == second[0] and first[1] != second[1] and found.pair[0] < found.pair[1]


@pytest.mark.parametrize("held", [7, 59, 60, 120])
def test_twins_are_found_on_the_disk_too(held: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = Random(1)
    pairs = [(str(chance.randrange(40)), str(chance.randrange(3))) for _ in range(120)]
    alike = [(str(number), "x") for number in range(120)]

    def found(rows: list[tuple[str, str]]) -> Found:
        twins = Twins()
        for number, (prompt, answer) in enumerate(rows, start=1):
            twins.add(number, prompt, answer)
        return twins.found()

    in_memory = [found(rows) for rows in (pairs, alike, [*alike, *alike], [])]
    monkeypatch.setattr("fednode.data.twins.HELD", held)
    assert [found(rows) for rows in (pairs, alike, [*alike, *alike], [])] == in_memory


def test_of_a_great_many_domains_some_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file may have one in each row."""
    made = [{"prompt": "x", "completion": "y", "domain": f"{number:02}"} for number in range(40)]
    path = write_jsonl(tmp_path / "d.jsonl", made)
    assert any(line.endswith("19 1 and 20 more") for line in check_data(path).lines())
    monkeypatch.setattr("fednode.data.report._KEPT_DOMAINS", 30)
    report = check_data(path)
    assert len(report.domains) == 30
    assert any(line.endswith("19 1 and at least 10 more") for line in report.lines())


def test_characters_that_nobody_means(tmp_path: Path) -> None:
    path = write_jsonl(
        tmp_path / "d.jsonl", rows(("a\tb\n", "x\r\n"), ("a\0b", "x"), ("a\0\x85", "\ufffd"), ("é", "y"))
    )
    [said] = [line for line in check_data(path).lines() if "control" in line]
    assert said.startswith("2 rows hold control characters, the first line 2: NUL in 2, ")
    assert "U+0085 in 1" in said and "U+FFFD, which stands for one that could not be read in 1" in said


def test_one_row_as_the_model_sees_it(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "d.jsonl", rows((" a rose ", " red"), ("the sea", "blue")))
    assert check_data(path, encoder_of(tiny_tokenizer(), TEMPLATE, 48, " ")).sample == (
        "Thing: a rose",
        "Colour:>>> red<|end|><<<",
    )
    assert check_data(path).sample == ()


def test_answers_that_are_lost_are_an_error_and_cut_prompts_are_not(tmp_path: Path) -> None:
    encoder = encoder_of(tiny_tokenizer(), TEMPLATE, 32, " ")
    fits = next(n for n in range(32, 0, -1) if encoder.answer_length("y " * n) + 1 <= encoder.room)
    for count in (fits, fits + 1):
        path = write_jsonl(tmp_path / "d.jsonl", rows(("rose " * 99, "red"), ("x", "y " * count)))
        report = check_data(path, encoder)
        cut = encoder.example("x", "y " * count).answer_cut
        assert (report.ok, report.encoded.truncated) == (not cut, 1 + cut) and cut == (count > fits)
    [said] = report.errors()
    assert said.startswith(f"1 answers are longer than the {encoder.room} tokens") and "the first line 2" in said


def test_batches_count_as_single_rows_do(tmp_path: Path) -> None:
    chance, encoder = Random(1), encoder_of(tiny_tokenizer(), TEMPLATE, 24, " ")
    pairs = [("rose " * chance.randrange(1, 20), "red " * chance.randrange(1, 9)) for _ in range(1100)]
    report = check_data(write_jsonl(tmp_path / "d.jsonl", rows(*pairs)), encoder)
    examples = [encoder.example(*pair) for pair in pairs]
    assert report.encoded.truncated == sum(example.truncated for example in examples)
    assert report.encoded.answers_cut == sum(example.answer_cut for example in examples)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Peak memory (KiB) of a process of its own, with a file of 1 MB and with one of 32 MB."""
    program = (
        "import resource, sys; from pathlib import Path; from fednode.data import check_data\n"
        "told = []\n"
        "report = check_data(Path(sys.argv[1]), progress=lambda done, of: told.append(done / of))\n"
        "assert told == sorted(told) and 0 <= told[0] and told[-1] <= 1 and len(told) == report.usable // 1000\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, report.usable)\n"
    )
    peaks = []
    for count in (1000, 32_000):
        path = tmp_path / f"{count}.jsonl"
        with path.open("w") as file:
            for number in range(count):
                file.write(json.dumps({"prompt": f"{number} " + "x" * 970, "completion": "y"}) + "\n")
        done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
        peak, usable = map(int, done.stdout.split())
        assert usable == count
        peaks.append(peak)
    assert peaks[1] - peaks[0] < 8 << 10, peaks
