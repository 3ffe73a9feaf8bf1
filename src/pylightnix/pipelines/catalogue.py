"""The steps and context parsers that come with it, by their short names."""

from __future__ import annotations

STEP_PREFIX = "pypyr.steps."
PARSER_PREFIX = "pypyr.parser."

_HOMES = {
    "steps_values": "set default contextmerge contextcopy contextclear contextclearall contextsetf "
    "assert echo debug now",
    "steps_files": "fetchjson fetchyaml fetchtoml filewritejson filewriteyaml pathcheck glob",
    "steps_programs": "cmd cmds shell env envget py",
    "steps_control": "pype call jump switch stop stoppipeline stopstepgroup",
}
STEPS = {name: home for home, names in _HOMES.items() for name in names.split()}
_PARSERS = "argskwargs dict json jsonfile keys keyvaluepairs list string tomlfile yamlfile"
PARSERS = tuple(_PARSERS.split())
# Steps that only move values about, or say what is next: planning runs these, and skips the others.
_PURE = (
    "set default contextmerge contextcopy contextclear contextclearall contextsetf assert envget "
    "pype call jump switch stop stoppipeline stopstepgroup"
)
PURE = frozenset(_PURE.split())


def short(name: str) -> str:
    """Give the short name of a step that we have; any other name stays as it is."""
    brief = name.removeprefix(STEP_PREFIX)
    return brief if brief in STEPS else name
