"""Each decision is a record of one form, numbered without a gap, and stands in the list."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.documents import ROOT

FOLDER = ROOT / "docs" / "decisions"
RECORDS = sorted(FOLDER.glob("[0-9]*.md"))
FORM = re.compile(
    r"# (?P<number>\d{3}): (?P<title>.+)\n\n"
    r"- Date: (?P<date>\d{4}-\d{2}-\d{2})\n- Status: .+\n\n"
    r"\*\*Context\.\*\* .+\n\n\*\*Decision\.\*\* .+\n\n\*\*Consequences\.\*\* .+\n",
    re.DOTALL,
)


def test_the_numbers_have_no_gap() -> None:
    assert [int(path.name[:3]) for path in RECORDS] == list(range(1, len(RECORDS) + 1))


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_record_has_its_form_and_its_line(path: Path) -> None:
    record = FORM.fullmatch(path.read_text())
    assert record and record["number"] == path.name[:3]
    line = f"| [{record['number']}]({path.name}) | {record['date']} | {record['title']} |"
    assert line in (FOLDER / "README.md").read_text().splitlines()
