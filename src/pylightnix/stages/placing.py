"""From what was fetched to what is in the output: left as it is, unpacked, or both."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from .guard import Limits


@contextmanager
def staging(folder: str) -> Iterator[str]:
    """A folder inside the output for what is being fetched, gone afterwards.

    An archive may hold something that is called like itself, so it cannot lie in its final place.
    """
    path = os.path.join(folder, f".fetching-{os.urandom(8).hex()}")
    os.mkdir(path, 0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def place(staged: str, folder: str, mode: str, limits: Limits) -> None:
    """Put a staged file or folder into the output as the mode says."""
    if os.path.isdir(staged) and mode != "as-is":
        for child in os.listdir(staged):
            os.rename(os.path.join(staged, child), os.path.join(folder, child))
        return
    archive = staged
    if mode != "unpack,remove":
        archive = os.path.join(folder, os.path.basename(staged))
        os.rename(staged, archive)
    if mode != "as-is":
        from .archives import extract

        extract(archive, folder, limits)
