"""The whole of `fednode.toml`, and where a node keeps what it writes."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from fedprotocol.config import ConnectionConfig, load_config
from pydantic import model_validator

from fednode.config.tables import (
    DataConfig,
    ModelConfig,
    NodeSection,
    PrivacyConfig,
    PrivateConfig,
    SoloConfig,
    TrackConfig,
    TrainingConfig,
)

DEFAULT_NAME = "fednode.toml"


class NodeConfig(ConnectionConfig):
    """The whole file. Paths are absolute once loaded."""

    policy: Path | None = None  # what may leave this site (`fednode.policy`); None: whatever the spec says
    data: DataConfig
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    node: NodeSection = NodeSection()
    solo: SoloConfig = SoloConfig()
    privacy: PrivacyConfig | None = None
    private: PrivateConfig | None = None
    track: TrackConfig = TrackConfig()

    @model_validator(mode="after")
    def _scores_its_own_model(self) -> Self:
        if self.solo.enabled and not self.has_solo_test:
            raise ValueError(
                "there are no rows to score the site's own model on: set solo.test, data.test or data.split"
            )
        return self

    @model_validator(mode="after")
    def _is_private_alone(self) -> Self:
        if self.privacy is not None and self.track.servers:
            raise ValueError(
                "a site with [privacy] tells nobody exact losses: remove the servers from [track]; files stay possible"
            )
        if self.privacy is not None and not self.training.is_alone:
            raise ValueError("[privacy] trains in one process: remove [training] launch")
        return self

    @property
    def has_solo_test(self) -> bool:
        """Whether there are rows to score the site's own model on."""
        return self.solo.test is not None or self.data.has_test

    @property
    def workers(self) -> Path:
        """The folder through which several processes get their jobs; all machines that they are on must see it."""
        return self.home / "workers"

    @property
    def status(self) -> Path:
        """The status file of the running node (JSON; each write replaces it whole)."""
        return self.home / "status.json"

    @property
    def known_spec(self) -> Path:
        """The federation's spec as it was last had, for commands that look at data without chain or store."""
        return self.home / f"spec-{self.chain.chain_id}-{self.chain.coordinator}.json"

    @property
    def metrics(self) -> Path:
        return self.home / "metrics"

    @property
    def tracked(self) -> Path:
        """The folder for the files of trackers of experiments, and for what each of them has had."""
        return self.home / "track" if self.track.folder is None else self.track.folder

    @property
    def updates(self) -> Path:
        """The folder for this site's updates, which nobody else may read before they are published."""
        return self.home / "updates"

    @property
    def rows(self) -> Path:
        """The folder for copies of large data files' rows, and for which files were found right. It may be deleted."""
        return self.home / "rows"

    @property
    def commits(self) -> Path:
        """Which commits of the hub's data sets this site uses, where the config names none (JSON)."""
        return self.home / "datasets.json"

    @property
    def privacy_ledger(self) -> Path:
        """What training with noise has cost so far (SQLite)."""
        named = None if self.privacy is None else self.privacy.ledger
        return self.home / "privacy.sqlite" if named is None else named

    @property
    def solos(self) -> Path:
        """The folder for the site's own models, which nobody else may read."""
        return self.home / "solo"

    @property
    def globals(self) -> Path:
        return self.home / "globals"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def policy_log(self) -> Path:
        """Approvals of the policy, and everything that left the site (`fednode.policy.log`)."""
        return self.home / "policy-log.jsonl"


def load(path: Path, name: Path | None = None) -> NodeConfig:
    """Read a config file. Raises ConfigError: no such file, not TOML, a key missing, unknown or wrong.

    A `model.source` that starts with `./`, `../`, `/` or `~` is a path relative to the file; anything else is a hub id.
    `name`: what the file will be called, while it is a draft.
    """
    config = load_config(path, NodeConfig, name)
    source = config.model.source
    if source is None or not source.startswith((".", "/", "~")):
        return config
    absolute = str(path.resolve().parent / Path(source).expanduser())
    return config.model_copy(update={"model": config.model.model_copy(update={"source": absolute})})
