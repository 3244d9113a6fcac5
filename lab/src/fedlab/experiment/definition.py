"""The experiment file: a TOML document that says what is compared, on which data, and with how many seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from fedprotocol.config import ConfigError, Section, load_config
from pydantic import Field, PositiveFloat, PositiveInt, StringConstraints, model_validator

from fedlab.experiment.settings import Settings

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=60)]
Kind = Literal["initial", "single", "central", "federated"]


class Row(Settings):
    """`[rows.NAME]`: one way to train.

    `kind`: "initial" trains nothing, "single" each site alone (a cell for each), "central" on the pooled data,
    "federated" together. `budget` of a single site: "own" steps, or the "total" of all sites. The settings that are
    given here replace the task's; `Experiment.settings` puts them together.
    """

    kind: Kind = "federated"
    budget: Literal["own", "total"] = "own"

    @model_validator(mode="after")
    def _budget_of_single_sites(self) -> Self:
        if self.budget == "total" and self.kind != "single":
            raise ValueError(f'budget belongs to kind = "single"; {self.kind} rows have the total of all sites')
        return self


class Task(Settings):
    """`[[tasks]]`: data, how sites hold it, and the rows that are run on it. The settings that are given here replace
    the experiment's; `Experiment.settings` puts them together."""

    name: Name
    data: str  # a source's name, or a folder: see `fedlab.experiment.sources`
    rows: tuple[str, ...] = Field(min_length=1)
    seeds: tuple[int, ...] | None = None  # default: the experiment's
    test_items: PositiveInt = 300
    curve_items: Annotated[int, Field(ge=0)] | None = None  # default: the experiment's
    held_out: bool = False  # score on training rows that are kept apart, instead of the test rows, to choose settings
    train_items: PositiveInt | None = None  # default: all
    sites: Annotated[int, Field(ge=2, le=256)] = 4
    split: Literal["domain", "apart", "dirichlet", "even"] = "domain"
    own_share: Annotated[float, Field(gt=0, le=1)] = 0.8  # share of a domain's rows that its own sites get
    alpha_classes: PositiveFloat = 0.3  # Dirichlet's concentration
    rounds_times: PositiveInt = 1  # each row makes this many times its rounds: a larger budget of steps
    small_site: Annotated[float, Field(gt=0, le=1)] = 1.0  # share of its rows that the first site keeps
    noisy_site: Annotated[float, Field(ge=0, le=1)] = 0.0  # share of the last site's answers that are wrong
    held_back: Annotated[float, Field(ge=0, lt=1)] = 0.0  # share of each site's rows that it does not train on
    readers: Literal["none", "membership", "which-row"] = (
        "none"  # the attack of `fedlab.experiment.privacy` that is tried
    )


class Experiment(Section):
    """The whole file. `model`: a folder, .gguf file or hub id; "demo" is SmolLM2-135M-Instruct from the package index.
    `curve_items`: how many test items a curve is scored on; 0 means no curves. `curve_points`: how many rounds are
    scored, including the last."""

    name: Name
    model: str = "demo"
    seeds: tuple[Annotated[int, Field(ge=0, lt=1 << 20)], ...] = Field(default=(1, 2, 3), min_length=1)
    curve_items: Annotated[int, Field(ge=0)] = 100
    curve_points: PositiveInt = 5
    training: Settings = Settings()
    rows: dict[Name, Row]
    tasks: tuple[Task, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [task.name for task in self.tasks]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"tasks named twice: {', '.join(sorted(twice))}")
        for task in self.tasks:
            if unknown := [row for row in task.rows if row not in self.rows]:
                raise ValueError(f"task {task.name} names rows that [rows] has not: {', '.join(unknown)}")
            for name in task.rows:
                if problem := _problem(task, self.rows[name], self.settings(task, self.rows[name])):
                    raise ValueError(f"task {task.name}, row {name}: {problem}")
        return self

    def curve_of(self, task: Task) -> int:
        """How many test items the task's curves are scored on."""
        return self.curve_items if task.curve_items is None else task.curve_items

    def scored_rounds(self, task: Task, rounds: int) -> frozenset[int]:
        """The rounds whose model is scored, evenly spread, the last one always."""
        points = min(self.curve_points, rounds) if self.curve_of(task) else 1
        return frozenset(-(-point * rounds // points) for point in range(1, points + 1))

    def task(self, name: str) -> Task:
        return next(task for task in self.tasks if task.name == name)

    def settings(self, task: Task, row: Row) -> Settings:
        """The settings of a row on a task: those of the experiment, changed first by the task and then by the row."""
        settings = self.training.changed_by(task).changed_by(row)
        return settings.model_copy(update={"rounds": settings.rounds * task.rounds_times})


def _problem(task: Task, row: Row, settings: Settings) -> str | None:
    """What is wrong with a row of this task; None if nothing is."""
    if row.kind == "federated":
        return _impossible(settings, task.sites) or _unreadable(task, settings)
    if row.kind != "initial" and settings.epsilon is not None:
        return "epsilon belongs to federated rows"
    return None


def _unreadable(task: Task, settings: Settings) -> str | None:
    """What keeps noise, or the attacks of readers, from being measured; None if nothing does."""
    plain = settings.arithmetic == "integers" and settings.attack == "none" and not settings.stragglers
    if (settings.epsilon is not None or task.readers != "none") and not plain:
        return 'noise and readers are measured with arithmetic = "integers", without attacks and without stragglers'
    if task.readers != "none" and not task.held_back:
        return "readers are tried on rows that were not trained on too: give held_back"
    if task.readers == "which-row" and task.sites < 3:
        return "masks need at least 3 sites"
    return None


def _impossible(settings: Settings, sites: int) -> str | None:
    """What is wrong with these settings for a federation of so many sites; None if nothing is."""
    if settings.attackers and settings.attack == "none":
        return "attackers are given, but no attack"
    if settings.attackers >= sites or settings.stragglers >= sites:
        return f"of {sites} sites at least one must be honest, and one must send its update"
    plain = settings.rule == "fedavg" and settings.steps_by == "site"
    if settings.arithmetic == "floats" and (not plain or settings.attackers or settings.stragglers):
        return 'arithmetic = "floats" has rule = "fedavg" and steps_by = "site" alone, no attackers and no stragglers'
    if settings.stragglers and (settings.steps_by == "rows" or settings.attackers):
        return 'stragglers are measured without attackers, and with steps_by = "site"'
    return None


def load_experiment(path: Path) -> Experiment:
    """Raises ConfigError, naming the key that is wrong."""
    if not path.is_file():
        raise ConfigError(f"there is no experiment file {path}; `fedlab experiment --help` says what stands in one")
    return load_config(path, Experiment)
