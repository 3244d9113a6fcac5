"""MLflow: a database in the folder, or a tracking server if the config names one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from fednode.tracking.chapters import OF_ROUNDS, OF_STEPS, Chapter
from fednode.tracking.tracker import Known, Run

TAG = "fednode.run"
MOST = 1000  # values that MLflow takes at once


def open_tracker(run: Run) -> MlflowRun:
    return MlflowRun(run)


class MlflowRun:
    """The run that bears this node's tag, or a new one. What it has is asked for when it is opened."""

    def __init__(self, run: Run) -> None:
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = os.environ["DO_NOT_TRACK"] = "true"
        if run.key is not None:
            user, colon, password = run.key.partition(":")
            login = {"MLFLOW_TRACKING_USERNAME": user, "MLFLOW_TRACKING_PASSWORD": password}
            os.environ.update(login if colon else {"MLFLOW_TRACKING_TOKEN": run.key})
        from mlflow.entities import Metric
        from mlflow.tracking import MlflowClient

        run.folder.mkdir(parents=True, exist_ok=True)
        self._metric: Any = Metric
        self._client: Any = MlflowClient(run.server or f"sqlite:///{run.folder / 'mlflow.db'}")
        self._id = self._found(run)
        self._known = Known(
            (name, metric.step, metric.value)
            for name in (*OF_STEPS, *OF_ROUNDS)
            for metric in self._client.get_metric_history(self._id, name)
        )

    def take(self, chapters: Sequence[Chapter], before: int) -> None:  # noqa: ARG002 (the port's)
        values = [
            self._metric(name, value, int(point.at * 1000), point.step)
            for point in self._known.new(chapters)
            for name, value in point.values.items()
        ]
        for begin in range(0, len(values), MOST):
            self._client.log_batch(self._id, metrics=values[begin : begin + MOST])

    def close(self) -> None:
        self._client.set_terminated(self._id)

    def _found(self, run: Run) -> str:
        experiment = self._client.get_experiment_by_name(run.project)
        if experiment is None:
            place = None if run.server is not None else (run.folder / "artifacts").as_uri()
            number = self._client.create_experiment(run.project, artifact_location=place)
        else:
            number = experiment.experiment_id
        for found in self._client.search_runs([number], f"tags.`{TAG}` = '{run.id}'"):
            self._client.update_run(found.info.run_id, status="RUNNING")
            return str(found.info.run_id)
        made = self._client.create_run(number, tags={TAG: run.id}, run_name=run.name)
        for name, value in run.about.items():
            self._client.log_param(made.info.run_id, name, value)
        return str(made.info.run_id)
