"""What can be wrong with a base model."""

from fedprotocol.errors import FedError


class BaseModelError(FedError):
    """The base model cannot be used."""


class BaseModelMissing(BaseModelError):
    """The model is not on this machine, and it could not be fetched."""


class BaseModelPartial(BaseModelMissing):
    """Only some of its files are on this machine. The message names a missing one, and how to fetch it."""


class BaseModelMismatch(BaseModelError):
    """The weights or shapes are not those that the federation's spec names."""

    needs_person = True


class DeviceMissing(BaseModelError):
    """This machine does not have the device that the config names."""
