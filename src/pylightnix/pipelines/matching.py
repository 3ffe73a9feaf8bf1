"""Which of several realizations a step is given: `matcher`."""

from __future__ import annotations

from collections.abc import Mapping

from .modules import plugin
from .places import BadInput, guess

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MATCHERS = ("all", "best", "exact", "latest", "only", "some")


def matcher_of(written: Any) -> Any:
    """Make a matcher of what is written: `{best: score.txt}`, `{latest: 2}`, `all`.

    Raises:
        BadInput: there is none of that name, or it takes something else.
    """
    from pylightnix.engine import matchers

    pair = {written: None} if isinstance(written, str) else written
    if not isinstance(pair, Mapping) or len(pair) != 1:
        raise BadInput(
            f"`matcher` takes the name of one, or {{name: argument}}; got {written!r:.60}"
        )
    name, argument = next(iter(pair.items()))
    if name not in MATCHERS:
        made = plugin("matchers", str(name))
        if made is None:
            near = guess(name, MATCHERS, "there are")
            raise BadInput(f"there is no matcher {name!r}{near}")
    else:
        made = getattr(matchers, f"match_{name}")
    if argument is None:
        return made()
    return made(**argument) if isinstance(argument, Mapping) else made(argument)
