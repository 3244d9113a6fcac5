"""Draw docs/pictures/demo.svg: the end of what a run of the demo printed, without the tables of gas and money.

    python tools/pictures/demo_still.py all_losses/demo-runs/20261126-015830

It is made from the run's files alone, by the code that prints them in a terminal. No font is fetched; the picture uses
the reader's fonts.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from fedlab.demo.summary import render
from fedlab.results.folder import ResultsFolder
from rich.console import Console, Group
from rich.padding import Padding
from rich.terminal_theme import TerminalTheme

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "pictures" / "demo.svg"
COLUMNS = 96
TOKEN_DECIMALS = 18  # token units that make one of the demo's tokens
COLOURS = [
    (27, 39, 51),
    (255, 123, 114),
    (103, 208, 139),
    (227, 179, 65),
    (108, 178, 245),
    (188, 140, 255),
    (99, 205, 218),
]
THEME = TerminalTheme((21, 27, 35), (226, 232, 238), [*COLOURS, (226, 232, 238)])
FORM = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>The last screen of make demo, run @RUN</title>
<style>
.{unique_id}-matrix {{ font: {char_height}px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace }}
.{unique_id}-title {{ font: 18px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: #a9b5c1 }}
{styles}
</style>
<defs>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})">{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""


def still(folder: Path) -> str:
    """The picture as SVG."""
    run = ResultsFolder.open(folder)
    rounds, report = run.rounds(), run.report()
    clients = list(report.solo)
    whole = render(rounds, run.summary(), report, clients, TOKEN_DECIMALS)
    assert isinstance(whole, Group)  # noqa: S101
    losses, _, globals_, *_, last = whole.renderables
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), color_system="truecolor", force_terminal=True)
    console.print(Padding(Group(losses, "", globals_, "", last), (0, 1)))
    form = FORM.replace("@RUN", folder.name)
    return console.export_svg(title=f"make demo, run {folder.name}", theme=THEME, code_format=form, unique_id="demo")


if __name__ == "__main__":
    PICTURE.write_text(still(Path(sys.argv[1])))
