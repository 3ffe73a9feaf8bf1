"""What a proof says in the end."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """The result of one proof.

    Attributes:
        name: of the proof, as in the table.
        wanted: the figure to reach, in words.
        figure: what was measured, in words.
        ok: whether the figure was reached, on as many points as were run.
        points: how many points were run.
        skipped: why it was not run here; None if it was.
    """

    name: str
    wanted: str
    figure: str
    ok: bool
    points: int
    skipped: str | None = None
