"""What a plan would do, as a value: for each derivation a verdict, a reason and an estimate.

Not to be confused with `core.plan`, the state machine that leads there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from .drawing import dot_lines, mermaid_lines, tree_lines
from .refs import DRef, RRef
from .value import drawn

Verdict: TypeAlias = Literal["hit", "fetch", "build", "unknown"]
COLOURS: Mapping[str, str] = {
    "hit": "#c8e6c9",
    "fetch": "#bbdefb",
    "build": "#ffcc80",
    "unknown": "#e0e0e0",
}


@dataclass(frozen=True, slots=True)
class PlanItem:
    """What is going to happen to one derivation.

    Attributes:
        dref: of the derivation.
        verdict: `hit`: the store has what is needed; `fetch`: a substituter has; `build`: it will
            be built; `unknown`: the store has realizations of it, and whether they still fit is
            known only when a dependency has been built.
        rrefs: of a hit what was chosen, best first; of a fetch what the substituter has.
        reason: a sentence.
        seconds: how long it is going to take, judging by the past; 0.0 for a hit, None if nobody
            knows.
    """

    dref: DRef
    verdict: Verdict
    rrefs: tuple[RRef, ...]
    reason: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What `realize` would do with a closure, derivation by derivation; made by `plan`.

    As text it is a tree, in which nothing is drawn below a hit.

    Attributes:
        items: one for each derivation of the closure, dependencies first.
        needs: every derivation -> its direct dependencies.
        targets: of the closure.
    """

    items: tuple[PlanItem, ...]
    needs: Mapping[DRef, tuple[DRef, ...]]
    targets: tuple[DRef, ...]
    _repr_html_ = drawn

    @property
    def hits(self) -> tuple[PlanItem, ...]:
        """What the store has."""
        return self._with("hit")

    @property
    def fetches(self) -> tuple[PlanItem, ...]:
        """What a substituter has."""
        return self._with("fetch")

    @property
    def builds(self) -> tuple[PlanItem, ...]:
        """What will be built for certain."""
        return self._with("build")

    @property
    def unknown(self) -> tuple[PlanItem, ...]:
        """What will be built or not, depending on how its dependencies come out."""
        return self._with("unknown")

    @property
    def seconds(self) -> float | None:
        """The known estimates added up: at most so long, one after the other.

        None if there is something to do, and how long it takes is known of nothing.
        """
        todo = [item.seconds for item in self.items if item.verdict != "hit"]
        known = [seconds for seconds in todo if seconds is not None]
        return sum(known) if known or not todo else None

    def _with(self, verdict: Verdict) -> tuple[PlanItem, ...]:
        return tuple(item for item in self.items if item.verdict == verdict)

    def json(self) -> dict[str, object]:
        """Give it as plain values: `items`, `needs`, `seconds`, `targets`."""
        items = [
            {
                "dref": item.dref,
                "reason": item.reason,
                "rrefs": list(item.rrefs),
                "seconds": item.seconds,
                "verdict": item.verdict,
            }
            for item in self.items
        ]
        needs = {dref: list(deps) for dref, deps in self.needs.items()}
        return {
            "items": items,
            "needs": needs,
            "seconds": self.seconds,
            "targets": list(self.targets),
        }

    def __str__(self) -> str:
        return "\n".join([*self._tree(), summary(self)])

    def _tree(self) -> list[str]:
        known = {item.dref: item for item in self.items}
        return tree_lines(
            self.targets,
            self.needs,
            lambda dref: _line(known[dref]),
            lambda dref: known[dref].verdict == "hit",
        )

    def dot(self) -> str:
        """Give it in the language of Graphviz; arrows lead from what depends."""
        known = {item.dref: item for item in self.items}
        lines = dot_lines(
            self.needs, lambda dref: _box(known[dref]), lambda dref: COLOURS[known[dref].verdict]
        )
        return "\n".join(lines)

    def mermaid(self) -> str:
        """Give it in the language of Mermaid, which many renderers of Markdown draw."""
        known = {item.dref: item for item in self.items}
        lines = mermaid_lines(
            self.needs, lambda dref: _box(known[dref]), lambda dref: known[dref].verdict, COLOURS
        )
        return "\n".join(lines)


def _line(item: PlanItem) -> str:
    """One line of the tree: verdict, name, beginning of the hash, estimate, reason."""
    head = f"{item.verdict:7} {item.dref[38:]} {item.dref[5:13]}"
    if item.verdict == "hit":
        return head
    return f"{head}{_about(item)}: {item.reason}"


def _about(item: PlanItem) -> str:
    return "" if item.seconds is None else f", about {lasting(item.seconds)}"


def _box(item: PlanItem) -> list[str]:
    verdict = item.verdict if item.verdict == "hit" else f"{item.verdict}{_about(item)}"
    return [str(item.dref[38:]), str(item.dref[5:13]), verdict]


def summary(plan: Plan) -> str:
    """Say in a line what a plan comes to."""
    parts = [
        f"{len(plan.builds):,} to build",
        *([f"{len(plan.fetches):,} to fetch"] if plan.fetches else []),
        *([f"{len(plan.unknown):,} unknown"] if plan.unknown else []),
        f"{len(plan.hits):,} there",
    ]
    todo = len(plan.items) - len(plan.hits)
    if not todo or plan.seconds is None:
        return ", ".join(parts)
    return f"{', '.join(parts)}; about {lasting(plan.seconds)}{_but(plan)}"


def _but(plan: Plan) -> str:
    unknown = sum(item.seconds is None for item in plan.items)
    return f" and {unknown:,} that took nobody knows how long" if unknown else ""


def lasting(seconds: float) -> str:
    """Give a duration as an estimate is read.

    >>> lasting(0.0123), lasting(75.0), lasting(7_260.0)
    ('0.01 s', '1 min 15 s', '2 h 1 min')
    """
    if seconds < 10:
        return f"{seconds:.2f} s" if seconds >= 0.005 else "0 s"
    if round(seconds) < 60:
        return f"{seconds:.0f} s"
    minutes, rest_s = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest_s} s"
    return f"{minutes // 60} h {minutes % 60} min"
