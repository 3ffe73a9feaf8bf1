"""Floor 6: the program `pylightnix`.

`args_*` say what each command takes and load nothing else; `cmd_*` carry the commands out and are
loaded when one of theirs is called, so that `pylightnix --version` costs next to nothing.
"""

from __future__ import annotations

from .entry import main

__all__ = ["main"]
