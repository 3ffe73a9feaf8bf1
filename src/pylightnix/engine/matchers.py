"""Matchers: which realizations of a derivation are to be used, or None for a new one.

A matcher sees the valid realizations that have the right context, sorted by hash, and knows nothing
of builds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence

from pylightnix.core.errors import InvalidValue, RealizeError
from pylightnix.core.given import artifact_path
from pylightnix.core.refs import RRef, rref2dref
from pylightnix.core.value import value
from pylightnix.store.layout import Store, rref_path
from pylightnix.store.trouble import is_passing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

Matcher: TypeAlias = Callable[[Store, Sequence[RRef]], "Sequence[RRef] | None"]
"""Chooses among realizations; None asks for a build, an empty sequence chooses none."""
Key: TypeAlias = Callable[[Store, RRef], "int | float | str | None"]
"""What a realization is judged by, higher is better; None drops it."""


class MatcherUnsatisfied(RealizeError):
    """What the store has, or what was built, is not what the matcher wants."""

    def __init__(self, dref: str, wanted: str, found: tuple[str, ...], advice: str) -> None:
        super().__init__(dref, wanted, found, advice)
        self.dref, self.wanted, self.found, self.advice = dref, wanted, found, advice

    def __str__(self) -> str:
        have = ", ".join(self.found) or "none that counts"
        return f"the matcher of {self.dref} wants {self.wanted}; there is: {have}. {self.advice}"


@value
class Match:
    """The matcher that `match` makes: sort by keys, then between `rmin` and `rmax` of the best."""

    keys: tuple[Key, ...] = ()
    rmin: int = 1
    rmax: int | None = 1
    exclusive: bool = False

    def __call__(self, store: Store, rrefs: Sequence[RRef]) -> Sequence[RRef] | None:
        best = _ranked(store, rrefs, self.keys)
        if len(best) < self.rmin:
            return None
        if self.rmax is None or len(best) <= self.rmax:
            return best
        if self.exclusive:
            raise MatcherUnsatisfied(
                rref2dref(best[0]),
                f"no more than {self.rmax}",
                tuple(best),
                "Delete the others with `rmref`, "
                "or choose with match_latest() or match_exact([...])",
            )
        return best[: self.rmax]

    def lacks(self, store: Store, rrefs: Sequence[RRef]) -> int:
        """Tell how many more realizations it wants; those that a key drops do not count."""
        return max(0, self.rmin - len(_ranked(store, rrefs, self.keys)))


_ONLY = Match(exclusive=True)


def _ranked(store: Store, rrefs: Iterable[RRef], keys: Sequence[Key]) -> list[RRef]:
    """Sort, best first, ties by hash; a None from any key drops a candidate."""
    if not keys:
        return sorted(rrefs)
    judged = []
    for rref in sorted(rrefs):
        marks = [key(store, rref) for key in keys]
        if None not in marks:
            judged.append((tuple(_comparable(mark) for mark in marks), rref))
    # Sorting is stable: equal marks leave the order of hashes.
    judged.sort(key=lambda pair: pair[0], reverse=True)
    return [rref for _, rref in judged]


def _comparable(mark: int | float | str | None) -> tuple[int, int | float | str]:
    """Make numbers, NaN and text comparable with each other: NaN, then numbers, then text."""
    if isinstance(mark, str):
        return (2, mark)
    if mark is None or mark != mark:
        return (0, 0)
    return (1, mark)


def match(
    keys: Key | Sequence[Key] = (), rmin: int = 1, rmax: int | None = 1, exclusive: bool = False
) -> Matcher:
    """Make a matcher that takes the best realizations by some keys.

    Args:
        keys: judge realizations; the first decides, further ones break ties, the hash breaks the
            rest.
        rmin: fewer than these ask for builds.
        rmax: more than these are cut; None sets no bound.
        exclusive: more than `rmax` are an error instead.

    Raises:
        InvalidValue: the bounds exclude each other, or something is no key.
    """
    several = _keys(keys)
    if not _possible(rmin, 1 if rmax is None else rmax, bounded=rmax is not None):
        raise InvalidValue(
            f"a matcher cannot want at least {rmin!r:.50} and at most {rmax!r:.50} realizations"
        )
    return Match(several, rmin, rmax, exclusive)


def _keys(given: object) -> tuple[Key, ...]:
    if callable(given):
        return (given,)
    keys = tuple(given) if isinstance(given, Iterable) else (given,)
    if not all(callable(key) for key in keys):
        raise InvalidValue(f"{given!r:.100} is no key, nor a list of keys: see `latest` and `best`")
    return keys


def _possible(rmin: object, rmax: object, *, bounded: bool) -> bool:
    if not isinstance(rmin, int) or not isinstance(rmax, int):
        return False
    return rmin >= 0 and (not bounded or rmax >= max(rmin, 1))


def match_only() -> Matcher:
    """Make a matcher for stages that have one result.

    Several realizations are an error that names both ways out.
    """
    return _ONLY


def match_latest(n: int = 1) -> Matcher:
    """Make a matcher that takes the `n` realizations built last."""
    return match((latest(),), rmin=n, rmax=n)


def match_best(filename: str | os.PathLike[str], n: int = 1) -> Matcher:
    """Make a matcher that takes the `n` best: by the number in the first line of an artifact.

    Args:
        filename: of the artifact, relative to the realization.
        n: how many, one or more.
    """
    return match((best(filename),), rmin=n, rmax=n)


def match_some(n: int = 1) -> Matcher:
    """Make a matcher that wants at least `n` realizations and takes all there are."""
    return match(rmin=n, rmax=None)


def match_all() -> Matcher:
    """Make a matcher that takes all realizations there are, and builds only when there is none."""
    return match(rmin=1, rmax=None)


def match_exact(rrefs: Iterable[RRef]) -> Matcher:
    """Make a matcher that takes exactly these realizations, a recorded choice, and nothing else."""
    wanted = tuple(dict.fromkeys(RRef(rref) for rref in rrefs))
    return Match((exact(wanted),), rmin=len(wanted), rmax=max(1, len(wanted)))


@value
class _Latest:
    def __call__(self, store: Store, rref: RRef) -> str:
        # ISO times of one form sort as text; what has lost its provenance counts as the oldest.
        from pylightnix.store.query import provenance_of

        return str(provenance_of(store, rref).get("stop", ""))


@value
class _Best:
    filename: str

    def __call__(self, store: Store, rref: RRef) -> float:
        number = number_in(f"{rref_path(store, rref)}/{self.filename}")
        return float("-inf") if number is None else number


def number_in(path: str) -> float | None:
    """Read the number in the first line of a file; None if there is no file, or no number."""
    try:
        with open(path, "rb", buffering=0) as file:
            number = float(file.read(1000).partition(b"\n")[0])
    except OSError as error:
        if is_passing(error):
            raise  # who takes the best must not get another one
        return None
    except ValueError:
        return None
    return None if number != number else number


@value
class _Exact:
    wanted: tuple[RRef, ...]

    def __call__(self, store: Store, rref: RRef) -> int | None:
        return -self.wanted.index(rref) if rref in self.wanted else None


@value
class _TextHash:
    def __call__(self, store: Store, rref: RRef) -> str:
        return rref[5:37]


def latest() -> Key:
    """Judge by the time at which the build ended."""
    return _Latest()


def best(filename: str | os.PathLike[str]) -> Key:
    """Judge by the number in the first line of an artifact; missing, NaN or unreadable: last.

    Raises:
        InvalidValue: it cannot be the path of an artifact.
    """
    return _Best(artifact_path("the artifact to judge by", filename))


def exact(rrefs: Iterable[RRef]) -> Key:
    """Drop all but these; earlier ones count as better."""
    return _Exact(tuple(RRef(rref) for rref in rrefs))


def texthash() -> Key:
    """Judge by the realization's hash: a choice without meaning that is the same everywhere."""
    return _TextHash()
