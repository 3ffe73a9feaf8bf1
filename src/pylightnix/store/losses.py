"""Which configs are known to be lost.

A lost config is damage, and comes back when its stage is instantiated. Until then repair can do no
more than note it: from then on its derivation counts as incomplete, and its realizations wait.
"""

from __future__ import annotations

import os
from contextlib import suppress

from pylightnix.core.refs import DRef

from .layout import Store, var_path

LOST = "lost"


def _note(store: Store, dref: DRef) -> str:
    return f"{var_path(store, 'verified')}/{dref[5:37]}"


def note_loss(store: Store, dref: DRef) -> None:
    """Note that a config is lost; where that cannot be noted it is found lost again."""
    with suppress(OSError):
        os.makedirs(var_path(store, "verified"), exist_ok=True)
        os.symlink(LOST, _note(store, dref))


def is_known_loss(store: Store, dref: DRef) -> bool:
    """Tell whether it was noted that a config is lost."""
    return os.path.lexists(_note(store, dref))


def forget_loss(store: Store, dref: DRef) -> None:
    """Take the note back: the config is there."""
    if is_known_loss(store, dref):
        with suppress(OSError):
            os.unlink(_note(store, dref))
