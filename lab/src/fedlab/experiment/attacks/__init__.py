"""What a member does that wants to harm a federation, or to be paid for nothing: one attack in a module.

absent        sends nothing: what the others reach without it
label-flip    trains on wrong answers
sign-flip     sends the opposite of what it learnt, as large as it may be
noise         sends random signs, as large as they may be
copy          sends again what another sent a round before
backdoor      teaches a trigger word that forces one class
"""

from __future__ import annotations

from fedlab.experiment.attacks.absent import Absent
from fedlab.experiment.attacks.backdoor import Backdoor
from fedlab.experiment.attacks.base import Attack, Seen
from fedlab.experiment.attacks.copy import Copy
from fedlab.experiment.attacks.label_flip import LabelFlip
from fedlab.experiment.attacks.noise import Noise
from fedlab.experiment.attacks.sign_flip import SignFlip
from fedlab.experiment.settings import AttackName

ATTACKS: dict[AttackName, Attack] = {
    "absent": Absent(),
    "label-flip": LabelFlip(),
    "sign-flip": SignFlip(),
    "noise": Noise(),
    "copy": Copy(),
    "backdoor": Backdoor(),
}

__all__ = ["ATTACKS", "Attack", "Seen"]
