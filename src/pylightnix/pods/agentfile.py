"""The agent as one file: the modules that it is made of, joined; kept in the store."""

from __future__ import annotations

import os
from functools import partial
from hashlib import sha256

from pylightnix.core.config import mkconfig
from pylightnix.core.refs import DRef
from pylightnix.engine.build import Build, build_outpath
from pylightnix.engine.matchers import match_only
from pylightnix.engine.registry import Registry, register
from pylightnix.engine.wrapper import build_wrapper

MODULES = ("tongue", "documents", "dialects", "channel", "offers", "agent")
AGENT = "agent.py"


def agent_text() -> str:
    """Join the modules of the agent: what they import of each other is above them anyway."""
    here = os.path.dirname(os.path.abspath(__file__))
    parts = ["from __future__ import annotations\n"]
    for module in MODULES:
        with open(f"{here}/{module}.py", encoding="utf-8") as file:
            lines = file.read().splitlines(keepends=True)
        dropped = ("from __future__", "from .")
        parts += [line for line in lines if not line.startswith(dropped)]
    return "".join(parts)


def agent(r: Registry) -> DRef:
    """Make a derivation that holds the agent: a stage."""
    text = agent_text()
    config = mkconfig({"name": "pod-agent", "sha256": sha256(text.encode()).hexdigest()})
    return register(r, config, match_only(), build_wrapper(partial(_write, text)))


def _write(text: str, b: Build) -> None:
    with open(f"{build_outpath(b)}/{AGENT}", "w", encoding="utf-8") as file:
        file.write(text)
