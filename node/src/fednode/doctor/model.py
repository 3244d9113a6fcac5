"""The base model, and whether this machine trains a round in time."""

from __future__ import annotations

import os
from pathlib import Path

from fedprotocol.journal import Journal, JournalError
from fedprotocol.quantities import duration

from fednode.base_model import BaseModelMissing, BaseModelPartial
from fednode.data.plain_text import EncodingError
from fednode.doctor.check import NotFit, Patient
from fednode.doctor.round_time import measured
from fednode.session import Session
from fednode.training.types import TrainingError


def model(patient: Patient) -> str:
    from fednode.base_model import BaseModelMismatch, check_model, will_hold
    from fednode.data.encode import load_encoder
    from fednode.site_model import locate_here

    session = patient.session
    spec, settings = session.spec, session.config.model
    source = settings.source or spec.base_model.id
    if settings.device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise NotFit(
                "[model] device is cuda, but torch finds no CUDA device", patient.edit('[model] device = "cpu"')
            )
    try:
        folder = locate_here(settings, spec)
    except BaseModelPartial as error:
        return f"{error}, and checks it"
    except BaseModelMissing as error:
        if Path(source).is_absolute():
            raise NotFit(str(error), patient.edit("[model] source")) from error
        return f"{source} will be fetched from the hub at the first `fednode run`, and checked then"
    try:
        check_model(spec.base_model, folder)
    except BaseModelMismatch as error:
        raise NotFit(str(error), patient.edit("[model] source")) from error
    load_encoder(spec, folder)  # raises if tokenizer, model and spec do not belong together
    return f"{source} is the spec's base model: {will_hold(folder, spec.quantization)}"


def training(patient: Patient) -> str:
    """Who begins with the fastest site has as long as Train lasts."""
    session = patient.session
    seconds = _last_training(session)
    if seconds is None and patient.running() is not None:
        return "not measured while the node runs and has not trained yet"
    if seconds is None:
        try:
            found = measured(session)
        except BaseModelMissing:
            return "not measured before the base model is here"
        except (TrainingError, EncodingError) as error:
            raise NotFit(f"this data cannot be trained on: {error}", patient.fednode("data", "check")) from error
        seconds, time_needed = found.train, str(found)
    else:
        time_needed = f"the last one took {duration(seconds)} here"
    length = session.coordinator.config().train_length
    time_needed += f"; Train lasts {duration(length)}"
    if seconds > length:
        cores = os.cpu_count() or 1
        raise NotFit(
            f"a round's training is too slow to be sure of a place in every round: {time_needed}",
            patient.edit(f'[model] threads = {cores}, or device = "cuda"'),
        )
    return f"a round's training fits: {time_needed}"


def _last_training(session: Session) -> float | None:
    try:
        with Journal(session.config.journal, read_only=True) as journal:
            seconds = journal.recall("train_seconds")
    except JournalError:
        return None
    return float(seconds) if seconds else None
