"""Can the proofs fail? Seed bugs into a copy of the library, and see which proof notices."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pylightnix

from .mutations import MUTANTS, Mutant
from .outcome import Outcome
from .worker import environment

NAME = "mutants"
WANTED = "at least 20, each killed by at least one proof"
# What the proof that should notice does not find, others may.
_OTHERS = (("points", 300), ("interleave", 300), ("damage", 60), ("collector", 10), ("stress", 1))
SKIPPED = "-"
_PATIENCE_S = 600.0
_SOURCE = Path(pylightnix.__file__).parent


class Unfit(Exception):
    """The text that a mutant replaces is not there exactly once."""

    def __init__(self, name: str, file: str, count: int) -> None:
        super().__init__(name, file, count)
        self.name, self.file, self.count = name, file, count

    def __str__(self) -> str:
        return f"mutant {self.name!r}: its text is {self.count} times in {self.file}, not once"


def mutated(mutant: Mutant, text: str) -> str:
    """Give the text of a file with the bug in it.

    Raises:
        Unfit: the old text is not there exactly once.
    """
    count = text.count(mutant.old)
    if count != 1:
        raise Unfit(mutant.name, mutant.file, count)
    return text.replace(mutant.old, mutant.new)


def fits() -> list[str]:
    """Give the mutants that do not fit the library as it is, in words."""
    wrong = []
    for mutant in MUTANTS:
        try:
            mutated(mutant, (_SOURCE / mutant.file).read_text(encoding="utf-8"))
        except (Unfit, FileNotFoundError) as error:
            wrong.append(str(error))
    return wrong


class Bench:
    """A copy of the library that bugs are put into, and what the proofs say of it without any."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._copy, self._seed = folder / "pylightnix", seed
        shutil.copytree(_SOURCE, self._copy, ignore=shutil.ignore_patterns("__pycache__"))
        own = environment()
        self._env = {
            **own,
            "PYTHONPATH": f"{folder}:{own['PYTHONPATH']}",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self._sound: dict[tuple[str, int], str] = {}

    def says(self, proof: str, points: int) -> str:
        """Run a proof on the copy; gives what it complains of: nothing, if it holds."""
        command = [sys.executable, "-m", str(__package__), "--only", proof]
        command += ["--points", str(points), "--seed", str(self._seed)]
        try:
            done = subprocess.run(
                command, env=self._env, capture_output=True, text=True, timeout=_PATIENCE_S
            )
        except subprocess.TimeoutExpired:
            return f"it did not end within {_PATIENCE_S:g} s"
        first = done.stdout.partition("\n")[0]
        if first.startswith(f"{proof}: skipped"):
            return SKIPPED
        return "" if done.returncode == 0 else (first or done.stderr.strip()[-200:] or "it died")

    def check(self, proof: str, points: int) -> str:
        """As `says`, of the copy without a bug; asked once."""
        key = (proof, points)
        if key not in self._sound:
            self._sound[key] = self.says(proof, points)
        return self._sound[key]

    def killed(self, mutant: Mutant) -> str:
        """Try a mutant; gives which proof noticed and what it said, empty if none did."""
        own = (mutant.proof, mutant.points)
        if self.check(*own) == SKIPPED:
            return SKIPPED
        for proof, points in dict.fromkeys((own, *_OTHERS)):
            # A proof that does not hold without the bug says nothing about it.
            said = self._with(mutant, proof, points) if self.check(proof, points) == "" else ""
            if said not in ("", SKIPPED):
                return f"{proof} ({said.removeprefix(f'{proof}: DOES NOT HOLD: ')[:150]})"
        return ""

    def _with(self, mutant: Mutant, proof: str, points: int) -> str:
        file = self._copy / mutant.file
        text = file.read_text(encoding="utf-8")
        file.write_text(mutated(mutant, text), encoding="utf-8")
        try:
            return self.says(proof, points)
        finally:
            file.write_text(text, encoding="utf-8")


def prove(points: int, seed: int) -> Outcome:
    """Try that many mutants."""
    begin_s = time.monotonic()
    told: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), seed)
        for mutant in MUTANTS[:points]:
            told[mutant.name] = bench.killed(mutant)
    alive = [name for name, found in told.items() if not found]
    killed = [name for name, found in told.items() if found not in ("", SKIPPED)]
    figure = f"{len(killed)} of {len(told)} killed ({time.monotonic() - begin_s:.0f} s)"
    words = {"": "ALIVE", SKIPPED: "not tried: its proof cannot be run here"}
    for name, found in told.items():
        figure += f"\n  {name}: {words.get(found, f'killed by {found}')}"
    return Outcome(NAME, WANTED, figure, ok=not alive and bool(killed), points=len(told))
