"""Whether training adds the noise that the site and the spec want, and whether the budget pays for a round."""

from __future__ import annotations

from fednode.differential_privacy.accountant import NoAccountant
from fednode.differential_privacy.budget import NotPrivate, cost_of_round, require_budget, settings_for
from fednode.differential_privacy.ledger import Ledger, LedgerError
from fednode.doctor.check import NotFit, Patient
from fednode.site_data import site_rows, train_rows
from fednode.training.types import TrainingError


def noise(patient: Patient) -> str:
    """The epsilon after one more round."""
    config, spec = patient.session.config, patient.session.spec
    try:
        settings = settings_for(config, spec)
        if settings is None:
            return "none is added: [privacy] is not set, and the spec demands none"
        rows = len(site_rows(config, train_rows(config), spec))
        after = require_budget(settings, Ledger(config.privacy_ledger).entries(), cost_of_round(settings, spec, rows))
    except NoAccountant as error:
        raise NotFit(str(error), "pip install 'fednode[privacy]'") from error
    except LedgerError as error:
        raise NotFit(str(error), patient.edit("[privacy] ledger")) from error
    except NotPrivate as error:
        raise NotFit(str(error), patient.edit("[privacy]")) from error
    except TrainingError as error:
        raise NotFit(str(error), patient.fednode("privacy")) from error
    return f"noise {settings.noise:g}, clip {settings.clip:g}: epsilon {after:.3g} of {settings.budget:g} after a round"
