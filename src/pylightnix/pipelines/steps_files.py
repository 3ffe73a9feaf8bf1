"""Steps about files: fetchjson and its like, filewritejson and its like, pathcheck, glob."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from .context import Context
from .places import BadInput
from .tags import Tagged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _wanted(context: Context, key: str) -> Mapping[str, Any]:
    """What a step is given: a mapping with `path`, or the path alone."""
    found = context.get_formatted(key)
    if isinstance(found, Mapping):
        if not found.get("path"):
            raise BadInput(f"{key} needs a `path`")
        return found
    if not found:
        raise BadInput(f"{key} needs a path, not {found!r}")
    return {"path": found}


def _fetch(context: Context, key: str, read: Callable[[str, str], Any]) -> None:
    wanted = _wanted(context, key)
    found = read(os.fspath(wanted["path"]), wanted.get("encoding") or "utf-8")
    if wanted.get("key"):
        context[wanted["key"]] = found
    elif isinstance(found, Mapping):
        context.update(found)
    else:
        raise BadInput(
            f"{key}: {wanted['path']} holds {type(found).__name__}, and keys and values are "
            "needed: say with `key` where to put it"
        )


def step_fetchjson(context: Context) -> None:
    """Read a JSON file into the context, or below a key."""

    def read(path: str, encoding: str) -> Any:
        import json

        with open(path, encoding=encoding) as file:
            return json.load(file)

    _fetch(context, "fetchJson", read)


def step_fetchyaml(context: Context) -> None:
    """Read a YAML file into the context, or below a key."""

    def read(path: str, encoding: str) -> Any:
        from .reading import parse_yaml

        with open(path, encoding=encoding) as file:
            return parse_yaml(file.read(), path)

    _fetch(context, "fetchYaml", read)


def step_fetchtoml(context: Context) -> None:
    """Read a TOML file into the context, or below a key."""

    def read(path: str, encoding: str) -> Any:
        import tomllib

        with open(path, "rb") as file:
            return tomllib.load(file)

    _fetch(context, "fetchToml", read)


def _write(context: Context, key: str, dump: Callable[[Any], str]) -> None:
    context.assert_key_exists(key, key.lower())
    raw = context[key]
    wanted = _wanted(context, key)
    payload = wanted["payload"] if "payload" in wanted else _all(context, raw)
    path = os.path.abspath(os.fspath(wanted["path"]))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding=wanted.get("encoding") or "utf-8") as file:
        file.write(dump(payload))


def _all(context: Context, own: object) -> Any:
    """The whole context, without what the step itself was given."""
    return context.get_formatted_value(
        {key: value for key, value in context.items() if value is not own}
    )


def step_filewritejson(context: Context) -> None:
    """Write a value, or the whole context, as JSON."""
    import json

    _write(context, "fileWriteJson", lambda value: json.dumps(value, indent=2, ensure_ascii=False))


def step_filewriteyaml(context: Context) -> None:
    """Write a value, or the whole context, as YAML."""

    def dump(value: Any) -> str:
        import yaml

        text: str = yaml.safe_dump(_plain(value), allow_unicode=True, sort_keys=False)
        return text

    _write(context, "fileWriteYaml", dump)


def _plain(value: Any) -> Any:
    """Make a value of types that YAML knows."""
    if isinstance(value, Mapping):
        return {_plain(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(each) for each in value]
    if isinstance(value, str):
        return str(value)
    return str(value.value) if isinstance(value, Tagged) else value


def step_pathcheck(context: Context) -> None:
    """Tell in `pathCheckOut` which paths are there: `{path: {exists, count, found}}`."""
    from glob import glob

    patterns = context.get_formatted("pathCheck")
    out = {}
    for pattern in [patterns] if isinstance(patterns, (str, os.PathLike)) else patterns:
        found = sorted(glob(os.fspath(pattern), recursive=True))
        out[pattern] = {"exists": bool(found), "count": len(found), "found": found}
    context["pathCheckOut"] = out


def step_glob(context: Context) -> None:
    """List in `globOut` the paths that match a pattern, or several."""
    from glob import glob

    patterns = context.get_formatted("glob")
    if not patterns:
        raise BadInput("glob needs a pattern, or a list of them")
    every = [patterns] if isinstance(patterns, (str, os.PathLike)) else patterns
    context["globOut"] = [
        path for pattern in every for path in sorted(glob(os.fspath(pattern), recursive=True))
    ]
