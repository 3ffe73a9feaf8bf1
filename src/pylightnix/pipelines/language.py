"""The language: from the value of a YAML document to steps, or to all that is wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from .catalogue import short
from .model import Body, Derive, Retry, Step, While
from .places import InvalidPipeline, Issue, Place, kind_of, lacking, listed, meant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ROOT_KEYS = ("context_parser", "result", "_meta")
USUAL_GROUPS = ("steps", "on_success", "on_failure")
EFFECT_KEYS = ("in", "foreach", "while", "run", "skip", "retry", "swallow", "onError")
DERIVED_KEYS = ("uses", "with", "foreach", "env", "matcher", "run", "skip")
COMMON_KEYS = ("name", "description", "comment")
STEP_KEYS = tuple(dict.fromkeys((*COMMON_KEYS, *EFFECT_KEYS, *DERIVED_KEYS)))
WHILE_KEYS = {"stop": "stop", "max": "max", "sleep": "sleep", "errorOnMax": "error_on_max"}
RETRY_KEYS = {
    "max": "max",
    "sleep": "sleep",
    "sleepMax": "sleep_max",
    "jrc": "jrc",
    "backoff": "backoff",
    "backoffArgs": "backoff_args",
    "retryOn": "retry_on",
    "stopOn": "stop_on",
}
PYPE_KEYS = (
    *("name", "args", "out", "useParentContext", "pipeArg", "skipParse", "raiseError", "loader"),
    *("groups", "success", "failure", "pyDir", "resolveFromParent", "parent"),
)
CALL_KEYS = ("groups", "success", "failure")
ENV_KEYS = ("requirements", "python", "find_links")
# What the given of a step, where it is a mapping in the text, may have in it.
INNER_KEYS = {"pype": PYPE_KEYS, "call": CALL_KEYS, "jump": CALL_KEYS}


def compile_pipeline(document: Any, file: str) -> Body:
    """Make a body of what a YAML document says.

    Args:
        document: a mapping; with the places of `reading.parse_yaml`, or without.
        file: what errors name as its file.

    Raises:
        InvalidPipeline: names everything that is wrong, with line and column.
    """
    compiler = _Compiler(file)
    body = compiler.body(document)
    if compiler.issues:
        raise InvalidPipeline(tuple(sorted(compiler.issues, key=lambda each: each.place.line)))
    return body


class _Compiler:
    def __init__(self, file: str) -> None:
        self.file = file
        self.nowhere = Place(file)
        self.issues: list[Issue] = []

    def wrong(self, place: Place, text: str) -> None:
        self.issues.append(Issue(place, text))

    def at(self, thing: Any) -> Place:
        """The place of a collection."""
        at = getattr(thing, "at", None)
        return self.nowhere if at is None else Place(self.file, *at)

    def at_key(self, mapping: Any, key: Any) -> Place:
        keys_at = getattr(mapping, "keys_at", None)
        return (
            self.nowhere
            if keys_at is None or key not in keys_at
            else Place(self.file, *keys_at[key])
        )

    def body(self, document: Any) -> Body:
        if not isinstance(document, Mapping):
            self.wrong(
                Place(self.file, 1, 1),
                "a pipeline is a mapping of groups, as `steps:` with a list below; got "
                f"{kind_of(document)}",
            )
            return Body(self.file, {})
        groups: dict[str, tuple[Step, ...]] = {}
        for name, content in document.items():
            if name in ROOT_KEYS:
                continue
            if not isinstance(name, str):
                self.wrong(self.at_key(document, name), f"the group name {name!r} is not text")
            elif content is None:
                groups[name] = ()
            elif isinstance(content, (list, tuple)):
                groups[name] = self.group(content)
            else:
                self.wrong(
                    self.at_key(document, name),
                    f"{name!r} must have a list of steps below, not "
                    f"{kind_of(content)}{meant(name, (*ROOT_KEYS, *USUAL_GROUPS))}",
                )
        self._misspelt_groups(document, groups)
        return self._rest(document, groups)

    def _rest(self, document: Mapping[Any, Any], groups: Mapping[str, Any]) -> Body:
        parser = document.get("context_parser")
        place = self.at_key(document, "context_parser")
        if parser is not None and not isinstance(parser, str):
            self.wrong(place, f"context_parser must be the name of one, not {parser!r:.50}")
            parser = None
        return Body(self.file, groups, parser, place, document.get("result"))

    def _misspelt_groups(self, document: Any, groups: Mapping[str, Any]) -> None:
        """Any name will do for a group, but one that nearly is `on_failure` is a mistake."""
        for name in groups:
            if name not in USUAL_GROUPS:
                from difflib import get_close_matches

                near = get_close_matches(name, USUAL_GROUPS, 1, 0.85)
                if near and near[0] not in groups:
                    self.wrong(
                        self.at_key(document, name),
                        f"nothing would run the group {name!r}; did you mean {near[0]!r}?",
                    )

    def group(self, steps: Any) -> tuple[Step, ...]:
        places = getattr(steps, "items_at", None)
        made = []
        for index, item in enumerate(steps):
            place = self.nowhere if places is None else Place(self.file, *places[index])
            if type(item) is str:
                made.append(Step(item, place))
            elif isinstance(item, Mapping):
                made.append(self.step(item, place))
            else:
                self.wrong(
                    place,
                    "a step is the name of one, or a mapping with a `name`; got "
                    f"{'nothing' if item is None else repr(item)[:50]}",
                )
        return tuple(made)

    def step(self, item: Mapping[Any, Any], place: Place) -> Step:
        self._keys("a step", item, STEP_KEYS)
        name = item.get("name")
        if "uses" in item:
            return self._derived(item, name, place)
        for key in ("with", "env", "matcher"):
            if key in item:
                self.wrong(
                    self.at_key(item, key),
                    f"{key!r} is for steps that derive something: add `uses:`, or "
                    "use `in:` for what an effect is given",
                )
        if not isinstance(name, str) or not name:
            self.wrong(place, f"a step needs a `name`, the step to run; got {name!r:.50}")
            name = "?"
        return self._effect(item, name, place)

    def _effect(self, item: Mapping[Any, Any], name: str, place: Place) -> Step:
        given = item.get("in")
        if given is not None and not isinstance(given, Mapping):
            self.wrong(self.at_key(item, "in"), f"`in` takes a mapping, not {given!r:.50}")
            given = None
        if given is not None:
            self._inner(name, given)
        if len(item) == 1 + ("in" in item) + ("comment" in item):
            return Step(name, place, given)
        get = item.get
        return Step(
            name, place, given, plain=False, description=get("description"),
            foreach=get("foreach"), loop=self._part(item, "while", WHILE_KEYS, While),
            run=get("run", True), skip=get("skip", False),
            retry=self._part(item, "retry", RETRY_KEYS, Retry),
            swallow=get("swallow", False), on_error=get("onError"),
        )  # fmt: skip

    def _inner(self, name: str, given: Mapping[Any, Any]) -> None:
        """Refuse what the control steps would not look at."""
        name = short(name)
        inner = given.get(name)
        if name in INNER_KEYS and isinstance(inner, Mapping):
            self._keys(name, inner, INNER_KEYS[name])

    def _keys(self, name: str, given: Mapping[Any, Any], known: Collection[str]) -> None:
        for key in given:
            if key not in known:
                self.wrong(self.at_key(given, key), lacking(name, key, known))

    def _part(self, item: Any, key: str, keys: Mapping[str, str], cls: Any) -> Any:
        part = item.get(key)
        if part is None:
            return None
        if not isinstance(part, Mapping):
            self.wrong(
                self.at_key(item, key),
                f"{key!r} takes a mapping with {listed(keys)}; got {part!r:.50}",
            )
            return None
        self._keys(repr(key), part, keys)
        if key == "while" and part.get("stop") is None and part.get("max") is None:
            self.wrong(self.at_key(item, key), "'while' needs `stop` or `max`, or it has no end")
        return cls(**{keys[name]: each for name, each in part.items() if name in keys})

    def _derived(self, item: Mapping[Any, Any], name: Any, place: Place) -> Step:
        for key in item:
            if key in EFFECT_KEYS and key not in DERIVED_KEYS:
                hint = "; its arguments are `with:`" if key == "in" else ""
                self.wrong(
                    self.at_key(item, key),
                    f"{key!r} is for effects, and this step has `uses`{hint}",
                )
        if not isinstance(name, str) or not name.isidentifier():
            self.wrong(
                place,
                f"a step with `uses` needs a `name` that others can refer to; got {name!r:.50}",
            )
            name = "?"
        uses, given = item["uses"], item.get("with")
        if not isinstance(uses, str) or not uses:
            self.wrong(
                self.at_key(item, "uses"), f"`uses` takes the name of a stage, not {uses!r:.50}"
            )
            uses = "?"
        if given is not None and not isinstance(given, Mapping):
            self.wrong(self.at_key(item, "with"), f"`with` takes a mapping, not {given!r:.50}")
            given = None
        env = item.get("env")
        if isinstance(env, Mapping):
            self._keys("env", env, ENV_KEYS)
        derive = Derive(uses, given or {}, item.get("matcher"), env)
        return Step(
            name, place, None, plain=False, derive=derive, description=item.get("description"),
            foreach=item.get("foreach"), run=item.get("run", True), skip=item.get("skip", False),
        )  # fmt: skip
