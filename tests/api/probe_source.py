"""Prints the identity of a function of a package; runs under any Python, without any library."""

import json
import sys
from importlib import import_module

from pylightnix.api.sources import Sources


def is_autostage(thing: object) -> bool:
    """Tell whether a decorator is the one that makes stages, or the one in its place."""
    return getattr(thing, "__name__", None) == "autostage"


function = import_module(sys.argv[1]).train
print(json.dumps(Sources(function, (), is_autostage).parts(), sort_keys=True))
