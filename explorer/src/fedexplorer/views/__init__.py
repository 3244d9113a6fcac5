"""The explorer's pages: one module each, with its model and how it is built. `ALL` has every page."""

from fedexplorer.views.federation import FEDERATION

ALL = (FEDERATION,)
