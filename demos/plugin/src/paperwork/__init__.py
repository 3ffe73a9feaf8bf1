"""A matcher, a stage and a command for pylightnix; found by `pylightnix plugins entrypoints`."""

from __future__ import annotations

from collections.abc import Sequence

from pylightnix import (
    DRef,
    Matcher,
    Registry,
    RRef,
    Store,
    match,
    mkfile,
    rref2path,
    store_drefs,
    store_rrefs,
)
from pylightnix.plugins import plugin


@plugin("pylightnix.matchers")
def shortest(artifact: str = "letter.txt") -> Matcher:
    """Make a matcher that takes the realization whose artifact has the fewest bytes."""

    def fewness(store: Store, rref: RRef) -> int | None:
        path = rref2path(rref, store) / artifact
        return -path.stat().st_size if path.is_file() else None

    return match(fewness)


@plugin("pylightnix.stages")
def letter(r: Registry, to: str = "world") -> DRef:
    """Make a derivation that holds a letter."""
    return mkfile("letter", f"Dear {to},\nall is well.\n", "letter.txt", r=r)


@plugin("pylightnix.commands", name="letters")
def print_letters(argv: Sequence[str]) -> int:
    """Print all letters in the store, or those to somebody: `pylightnix letters [NAME]`."""
    texts = [
        (rref2path(rref) / "letter.txt").read_text()
        for dref in store_drefs()
        if dref.endswith("-letter")
        for rref in store_rrefs(dref)
    ]
    wanted = [text for text in texts if not argv or text.startswith(f"Dear {argv[0]},")]
    print(*sorted(wanted), sep="\n", end="")
    return 0 if wanted else 1
