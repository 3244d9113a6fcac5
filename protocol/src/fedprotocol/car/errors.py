"""What is wrong with bytes that are not the CAR of the expected tree."""

from fedprotocol.errors import FedError


class CarError(FedError):
    """Not a CAR of the expected tree."""


class BadHeader(CarError):
    """No CAR v1 header with exactly the expected root."""


class BadLength(CarError):
    """A length other than that of the block that must come here."""


class ForeignCodec(CarError):
    """A block or link whose codec is not raw or dag-cbor, or whose hash is not sha2-256."""


class WrongBlock(CarError):
    """A block that does not belong here, or whose bytes do not hash to its CID."""


class Truncated(CarError):
    """The CAR ends before the tree does."""


class ExtraBlocks(CarError):
    """The CAR goes on after the tree is complete."""
