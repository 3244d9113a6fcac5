"""What shows and measures a federation: the demo, the experiments, their results. No operator installs it."""

from importlib.metadata import version

__version__ = version("fedlab")
