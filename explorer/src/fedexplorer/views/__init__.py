"""The explorer's pages: one module each, with its model and how it is built. `ALL` has every page."""

from fedexplorer.views.federation import FEDERATION
from fedexplorer.views.replay import REPLAY

ALL = (FEDERATION, REPLAY)
