"""Who is there to be measured beside, and how each is called."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from .harness import Missing, answer, clean_environment

PROGRAMS = Path(__file__).parent / "programs"
PRIOR = ".venv-bench-prior"
PRIOR_VERSION = "0.3.0"
_SETTINGS = """\
sandbox = false
build-users-group =
substitute = false
experimental-features = nix-command
"""


@dataclass(frozen=True)
class Nix:
    """A Nix store of our own: no daemon, no sandbox, nothing outside of its folder."""

    folder: Path

    @property
    def env(self) -> dict[str, str]:
        top = self.folder
        return clean_environment(
            HOME=f"{top}/home",
            NIX_STORE_DIR=f"{top}/store",
            NIX_STATE_DIR=f"{top}/state",
            NIX_LOG_DIR=f"{top}/log",
            NIX_LOCALSTATE_DIR=f"{top}/var",
            NIX_CONF_DIR=f"{top}/conf",
            NIX_REMOTE="",
        )

    def make(self) -> Nix:
        """Make it anew, with its data base."""
        erase(self.folder)
        for part in ("home", "store", "conf"):
            (self.folder / part).mkdir(parents=True)
        (self.folder / "conf" / "nix.conf").write_text(_SETTINGS)
        seed = self.folder / "seed"
        seed.write_text("seed")
        answer(["nix-store", "--add", str(seed)], self.env)
        return self


def erase(path: Path) -> None:
    """Delete a tree, read-only folders included."""
    for base, folders, _ in os.walk(path):
        for name in folders:
            if not os.path.islink(inner := os.path.join(base, name)):
                os.chmod(inner, 0o700)
    shutil.rmtree(path, ignore_errors=True)


def need_joblib() -> str:
    """Tell its version."""
    if find_spec("joblib") is None:
        raise Missing("joblib is not installed in the environment of the benchmark")
    from importlib.metadata import version

    return f"joblib {version('joblib')}"


def need_program(name: str, package: str) -> str:
    """Tell the version of a program."""
    if shutil.which(name) is None:
        raise Missing(f"{name} is not here (Debian: {package})")
    done = subprocess.run([name, "--version"], capture_output=True, text=True, check=False)
    version = done.stdout.strip().splitlines()[0].split()[-1]
    return f"{package} {version}"


def need_nix() -> str:
    """Tell its version."""
    return need_program("nix-store", "nix-bin")


def need_ninja() -> str:
    """Tell its version."""
    return need_program("ninja", "ninja-build")


def prior_python() -> str:
    """Give the interpreter of the environment that holds the prior library."""
    python = Path(PRIOR).absolute() / "bin" / "python"
    probe = "from importlib.metadata import version; print(version('pylightnix'))"
    if not python.exists():
        raise Missing(f"there is no environment {PRIOR} (`make bench` makes it)")
    done = subprocess.run([python, "-c", probe], capture_output=True, text=True, check=False)
    if done.stdout.strip() != PRIOR_VERSION:
        raise Missing(f"pylightnix {PRIOR_VERSION} is not installed in {PRIOR}")
    return str(python)


def ours(program: str, *arguments: object) -> list[str]:
    """Call one of our programs with this interpreter."""
    return [sys.executable, str(PROGRAMS / program), *map(str, arguments)]


def our_program() -> list[str]:
    """Call our program as users do, by the name under which it is installed."""
    program = Path(sys.executable).with_name("pylightnix")
    return [str(program)] if program.exists() else [sys.executable, "-m", "pylightnix"]


def nix_chain(length: int) -> str:
    """A Nix expression: the same chain, of builders that write a word."""
    return f"""\
let
  stage = before: number: derivation {{
    name = "stage-${{toString number}}";
    system = builtins.currentSystem;
    builder = "/bin/sh";
    args = [ "-c" "echo done > $out" ];
    inherit before number;
  }};
in builtins.foldl' stage "" (builtins.genList (number: number) {length})
"""


def ninja_chain(length: int) -> str:
    """A ninja file: the same chain, of commands that write a word."""
    lines = ["rule stage", "  command = echo done > $out", "build out-0: stage"]
    lines += [f"build out-{number}: stage out-{number - 1}" for number in range(1, length)]
    return "\n".join([*lines, ""])
