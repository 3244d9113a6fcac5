"""A web explorer of a federation: rounds, disputes, money, and checks that run in the visitor's own browser.

It reads only. History comes from the coordinator's log, the present from its lens, content from a store; nothing else
is kept that could not be made again.
"""

from importlib.metadata import version

__all__ = ["__version__"]
__version__ = version("fedexplorer")
