"""One process that hands everything in a folder to one tool, as the process beside a node does."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from fednode.tracking.figure_folder import FigureFolder
from fednode.tracking.recipient import Recipient
from fednode.tracking.tracker import Run, open_tracker


def main() -> None:
    tool, metrics, folder, ending = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
    run = Run(folder, "colours", "clinic", "", about={"coordinator": "0x" + 40 * "1"})
    recipient = Recipient(tool, run, open_tracker)
    recipient.offer(FigureFolder(metrics).chapters())
    if ending == "killed":
        os.kill(os.getpid(), 9)
    recipient.close()


if __name__ == "__main__":
    main()
