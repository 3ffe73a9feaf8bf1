"""Completion of references: names and hashes of what is in the store."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pylightnix.api.ambient import current_store
from pylightnix.core.errors import PylightnixError
from pylightnix.store.query import drefs, rrefs

MOST = 200
_MAGIC = re.compile(r"^\s*%?(?:lsref|why)\s")
_TOKEN = re.compile(r"[\w:-]*\Z")


def refs_for(line: str) -> tuple[str, list[str]]:
    """Tell what a line up to the cursor may go on with.

    Returns:
        What of the line is to be replaced, and by what. Behind a magic that takes a reference a
        name will do; elsewhere only what begins as a reference is one.
    """
    found = _TOKEN.search(line)
    token = "" if found is None else found.group()
    is_ref = token.startswith(("dref:", "rref:"))
    if not is_ref and not _MAGIC.match(line):
        return token, []
    try:
        return token, _fitting(token, is_ref)
    except (PylightnixError, OSError):
        return token, []  # without a store there is nothing to offer


def _fitting(token: str, is_ref: bool) -> list[str]:
    store = current_store()
    known = drefs(store)
    offered: Iterable[str] = known
    if not is_ref:
        offered = sorted({dref[38:] for dref in known})
    elif token.startswith("rref:"):
        offered = (rref for dref in known for rref in rrefs(store, dref))
    return [text for text in offered if text.startswith(token)][:MOST]


def matcher() -> Any:
    """Make the function that IPython asks."""
    from IPython.core.completer import SimpleCompletion, context_matcher

    @context_matcher(identifier="pylightnix")  # type: ignore[untyped-decorator]
    def complete(context: Any) -> Any:
        token, texts = refs_for(context.line_with_cursor[: context.cursor_position])
        return {
            "completions": [SimpleCompletion(text=text, type="reference") for text in texts],
            "matched_fragment": token,
            "suppress": bool(texts),
        }

    return complete
