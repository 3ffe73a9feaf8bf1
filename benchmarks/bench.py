"""The bench that rows are measured on: where, how often, how large, and beside whom."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .harness import OURS, Claim, Contender, Missing, Series, answer, clean_environment, race
from .peers import Nix, erase, ours


@dataclass(frozen=True)
class Beside:
    """A peer that may be missing, and what our median may be of its median."""

    who: str
    make: Callable[[], Contender]
    at_most: float | None = None


@dataclass(frozen=True)
class Bench:
    """Where and how to measure.

    Attributes:
        memory: a folder on tmpfs, where there is one.
        disk: a folder on a disk.
        runs: how often each contender runs, after a warm-up.
        quick: fewer runs and smaller sizes; the figures are then good for nothing but a smoke test.
    """

    memory: Path
    disk: Path
    runs: int
    quick: bool

    def size(self, count: int) -> int:
        return max(10, count // 10) if self.quick else count

    def env(self, store: Path, durability: str = "none") -> dict[str, str]:
        """The environment of a program of ours that works on this store."""
        return clean_environment(
            PYLIGHTNIX_ROOT=str(store), PYLIGHTNIX_DURABILITY=durability, HOME=str(self.memory)
        )

    def nix(self, name: str) -> Nix:
        return Nix(self.memory / name).make()

    def fresh(self, name: str) -> Path:
        """Give an empty folder in memory."""
        folder = self.memory / name
        erase(folder)
        folder.mkdir()
        return folder

    def settled_chain(self, name: str, length: int) -> dict[str, str]:
        """Realize a chain and have the index know it; gives the environment of its store."""
        env = self.env(self.memory / name)
        for _ in range(2):
            answer(ours("chain.py", length), env)
            # The index remembers no folder that changed in the last 50 ms.
            time.sleep(0.1)
        return env

    def compare(
        self, work: str, mine: Contender, peers: Sequence[Beside], at_most: float | None = None
    ) -> list[Claim]:
        """Race against all peers that are here.

        `at_most` is the absolute target of ours, if there is one.
        """
        there, lacking = self._present(peers)
        found = race([mine, *there], self.runs)
        own = found[mine.who]
        claims = [] if at_most is None else [Claim(work, own, at_most=at_most, absolute=True)]
        for peer in peers:
            series = found.get(peer.who)
            if series is None:
                series_lacking = lacking[peer.who]
                claims.append(Claim(work, own, _nobody(peer.who), peer.at_most, series_lacking))
            else:
                claims.append(Claim(work, own, series, peer.at_most))
        return claims

    def _present(self, peers: Sequence[Beside]) -> tuple[list[Contender], Mapping[str, str]]:
        there, lacking = [], {}
        for peer in peers:
            try:
                there.append(peer.make())
            except Missing as error:
                lacking[peer.who] = str(error)
        return there, lacking


def _nobody(who: str) -> Series:
    return Series(who, ())


def mine(run: Callable[[], float], before: Callable[[], object] = lambda: None) -> Contender:
    """Us, as a contender."""
    return Contender(OURS, run, before)
