"""Gather the sources of the documentation site: docs/, documents of other folders, and a page for each module.

    python tools/docs/gather.py build/docs

Links keep working: links between documents lead to their places on the site, and a link to a file that is not on the
site becomes that file's path in the repository.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "protocol": "fedprotocol",
    "aggregator": "fedaggregator",
    "node": "fednode",
    "explorer": "fedexplorer",
    "lab": "fedlab",
}
MIRRORED = (
    "README.md",
    *(f"{folder}/README.md" for folder in PACKAGES),
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
)
WITH_PICTURES = ("all_losses", "tests/trials")
_LINK = re.compile(r"(?P<picture>!?)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^()\s]+)\)")


def place_of(path: Path) -> str:
    """The place on the site of a document or picture with this `path` in the repository."""
    if path == Path("README.md"):
        return "index.md"
    return path.relative_to("docs").as_posix() if path.is_relative_to("docs") else path.as_posix()


def documents() -> Iterator[Path]:
    """The documents and their pictures outside docs/, relative to the repository."""
    yield from map(Path, MIRRORED)
    for folder in WITH_PICTURES:
        for path in sorted((ROOT / folder).rglob("README.md")):
            yield path.relative_to(ROOT)
            for link in _LINK.finditer(path.read_text()):
                if link["picture"]:
                    yield (path.parent / link["target"]).relative_to(ROOT)


def modules(folder: str) -> Iterator[tuple[str, str]]:
    """The public modules of a package: full name, and the first paragraph of the docstring in one line."""
    source = ROOT / folder / "src"
    for path in sorted(source.rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        docstring = ast.get_docstring(ast.parse(path.read_text()))
        if docstring and not any(part.startswith("_") for part in name.split(".")):
            yield name, " ".join(docstring.partition("\n\n")[0].split())


def escaped(text: str) -> str:
    """A line of a docstring as the cell of a table."""
    return re.sub(r"([|<>*_])", r"\\\1", text) if "`" not in text else text.replace("|", "\\|")


def reference() -> Iterator[tuple[str, str]]:
    """The place and the content of each page of the reference."""
    lines = ["# Reference", "", "Made from the docstrings. A name that begins with an underscore is not part of it."]
    for folder, package in PACKAGES.items():
        lines += ["", f"## {package}", "", "| module | what it has |", "|---|---|"]
        for name, summary in modules(folder):
            lines.append(f"| [{name}]({name}.md) | {escaped(summary)} |")
            yield f"reference/{name}.md", f"---\nsearch:\n  boost: 0.5\n---\n\n::: {name}\n"
    yield "reference/index.md", "\n".join(lines) + "\n"


def rewritten(text: str, source: Path, known: frozenset[str]) -> str:
    """A document's text, with links that work on the site.

    Args:
        text: the document.
        source: its path in the repository.
        known: the paths in the repository of everything that is on the site.
    """
    here = Path(place_of(source)).parent

    def link(found: re.Match[str]) -> str:
        target, text = urlsplit(found["target"]), found["text"]
        if target.scheme or target.netloc or not target.path:
            return found[0]
        path = Path(os.path.normpath(source.parent / target.path))
        if (ROOT / path).is_dir() and (path / "README.md").as_posix() in known:
            path /= "README.md"
        if path.as_posix() not in known:
            shown = f"`{path.as_posix()}`"
            return shown if text.strip("`").rstrip("/") in path.as_posix() else f"{text} ({shown} in the repository)"
        place = os.path.relpath(place_of(path), here)
        return f"{found['picture']}[{text}]({place}{'#' + target.fragment if target.fragment else ''})"

    return _LINK.sub(link, text)


def gather(out: Path) -> None:
    """Write all pages and pictures to `out`, which is emptied first."""
    shutil.rmtree(out, ignore_errors=True)
    inside = [path.relative_to(ROOT) for path in sorted((ROOT / "docs").rglob("*")) if path.is_file()]
    sources = dict.fromkeys((*inside, *documents()))
    for path in sources:
        target = out / place_of(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".md":
            target.write_text(rewritten((ROOT / path).read_text(), path, frozenset(map(Path.as_posix, sources))))
        else:
            shutil.copyfile(ROOT / path, target)
    for place, content in reference():
        target = out / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)


if __name__ == "__main__":
    gather(Path(sys.argv[1]))
