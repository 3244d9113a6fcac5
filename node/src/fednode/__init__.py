"""A site of a federation: QLoRA training, attestation, verification, payout."""

from importlib.metadata import version

__version__ = version("fednode")
