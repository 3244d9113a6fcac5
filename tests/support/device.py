"""Where tests of training compute: `make cuda` sets it to the GPU."""

from __future__ import annotations

import os

DEVICE = os.environ.get("FED_TEST_DEVICE", "cpu")
