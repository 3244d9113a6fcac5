"""What can be wrong with an export."""

from fedprotocol.errors import FedError


class ExportError(FedError):
    """The model cannot be written there, or not in this form."""
