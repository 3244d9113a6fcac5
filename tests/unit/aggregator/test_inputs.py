"""Many inputs open at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

OPEN = """
import os, resource, sys
from fedaggregator.compute.inputs import allow_open_files

soft, hard, count = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
allow_open_files(count)
opened = []
try:
    while len(opened) < count:
        opened.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    pass
print(len(opened), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.process
@pytest.mark.parametrize(
    ("soft", "hard", "count", "all_of_them", "limit"),
    [
        (256, 1024, 512, True, 640),  # 256 clients where programs start with 256 files
        (1024, 1024, 512, True, 1024),  # enough already: left alone
        (64, 100, 512, False, 100),  # no further than allowed, and no error before it is one
    ],
)
def test_there_may_be_as_many_inputs_as_clients(
    soft: int, hard: int, count: int, all_of_them: bool, limit: int
) -> None:
    arguments = [sys.executable, "-c", OPEN, str(soft), str(hard), str(count)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    opened, *limits = map(int, done.stdout.split())
    assert (opened == count) is all_of_them
    assert limits == [limit, hard]
