"""Show results: ``ma.show`` is this room's function, its modules draw, set and say."""

import inspect
import sys
from types import ModuleType

from .front import show


class _Room(ModuleType):
    """A room of the package that is called like the function it is named after.

    ``ma.show`` is the function until something imports ``medalliance.show``; Python then puts
    the room in its place.
    """

    __call__ = staticmethod(show)
    __signature__ = inspect.signature(show)


sys.modules[__name__].__class__ = _Room
__doc__ = show.__doc__ or __doc__
