"""What can be wrong with a base model."""

from fedprotocol.errors import FedError


class BaseModelError(FedError):
    """The base model cannot be used."""


class BaseModelMissing(BaseModelError):
    """There is no such model here, and it could not be fetched."""


class BaseModelPartial(BaseModelMissing):
    """Only some of its files are here; the message names one that is not, and what fetches it."""


class BaseModelMismatch(BaseModelError):
    """The weights or shapes are not those that the federation's spec names."""


class DeviceMissing(BaseModelError):
    """The device named in the config is not in this machine."""
