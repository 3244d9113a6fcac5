"""The claims, and beside each what was measured: all_losses/README.md."""

from fedlab.experiment.claims.page import Beside, page

__all__ = ["Beside", "page"]
