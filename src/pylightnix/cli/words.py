"""What single words of the command line become."""

from __future__ import annotations

import os
from argparse import ArgumentTypeError


def folder(text: str) -> str:
    """Take a path of a folder, `~` expanded.

    An empty one, from a variable that is not set, would mean the root of the file system or the
    working folder.
    """
    if not text:
        raise ArgumentTypeError("the path is empty")
    return os.path.expanduser(text)
