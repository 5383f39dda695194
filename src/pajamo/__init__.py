"""pajamo: from perturbation experiments to mechanisms."""

from pajamo._version import __version__

__all__ = ["__version__"]
