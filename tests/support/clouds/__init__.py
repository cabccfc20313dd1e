"""The metadata services of clouds as mocks at their true addresses, in a network namespace of their own."""

from .cells import CELLS, Cell, Cloud
from .server import Faults, Request

__all__ = ["CELLS", "Cell", "Cloud", "Faults", "Request"]
