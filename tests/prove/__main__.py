"""Run the proofs, from the folder that holds `tests`.

python -m tests.prove [--points N] [--only NAME ...] [--short] [--seed N] [--write] [--list]
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from importlib import import_module
from pathlib import Path

from .outcome import Outcome
from .table import PROOFS, Proof, report, tell, text_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "proofs.md"


def _arguments() -> Namespace:
    parser = ArgumentParser(
        prog="python -m tests.prove", description="Try what the store promises."
    )
    names = [proof.module for proof in PROOFS]
    parser.add_argument("--points", type=int, metavar="N", help="how many points to try of each")
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help="just these")
    parser.add_argument("--short", action="store_true", help="few points, as CI does")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="which points; default 1")
    parser.add_argument("--write", action="store_true", help="write docs/proofs.md even so")
    parser.add_argument("--list", action="store_true", help="name the proofs")
    return parser.parse_args()


def run(proof: Proof, points: int, seed: int) -> Outcome:
    """Run one proof; whatever it raises counts as failure."""
    try:
        outcome: Outcome = import_module(f".{proof.module}", __package__).prove(points, seed)
    except Exception as error:
        figure = f"ended with {type(error).__name__}: {error}"
        return Outcome(proof.module, "", figure, ok=False, points=0)
    return outcome


def main() -> int:
    """Run what was asked for; 1 if anything did not hold."""
    asked = _arguments()
    if asked.list:
        for proof in PROOFS:
            tell(f"{proof.module:<14}{proof.long:>7} ({proof.short} in short)  {proof.what}")
        return 0
    # Proofs collect and delete: what forgets to say in which store must find none.
    os.environ["PYLIGHTNIX_ROOT"] = "/proc/no-store-of-the-user"
    outcomes: dict[Proof, Outcome] = {}
    for proof in PROOFS:
        if asked.only is None or proof.module in asked.only:
            points = asked.points or (proof.short if asked.short else proof.long)
            outcome = outcomes[proof] = run(proof, points, asked.seed)
            state = "skipped" if outcome.skipped else "holds" if outcome.ok else "DOES NOT HOLD"
            tell(f"{proof.module}: {state}: {outcome.skipped or outcome.figure}")
    tell(f"\n{report(outcomes)}")
    if asked.write or not (asked.short or asked.only or asked.points):
        PAGE.write_text(text_of(outcomes, asked.seed), encoding="utf-8")
    return 0 if all(outcome.ok for outcome in outcomes.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
