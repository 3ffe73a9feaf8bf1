"""What comes with it, for those below to call: its steps by name, and what derives.

Each of these modules is loaded when something of it is first used: by a statement, which the check
of the floors can read.
"""

from __future__ import annotations

from collections.abc import Callable

from .catalogue import STEPS
from .modules import Own

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from .context import Context
    from .model import Pipeline, Step


def _step(name: str) -> Callable[[Any], object]:
    return getattr(_home(STEPS[name]), f"step_{name}")  # type: ignore[no-any-return]


def _home(name: str) -> ModuleType:
    if name == "steps_values":
        from . import steps_values

        return steps_values
    if name == "steps_files":
        from . import steps_files

        return steps_files
    if name == "steps_programs":
        from . import steps_programs

        return steps_programs
    from . import steps_control

    return steps_control


def _derive(step: Step, pipeline: Pipeline, context: Context) -> None:
    from .deriving import run_derived

    run_derived(step, pipeline, context)


OWN = Own(_step, _derive)
