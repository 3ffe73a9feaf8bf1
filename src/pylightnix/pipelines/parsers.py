"""Context parsers: from the words behind a pipeline's name to the first values of the context."""

from __future__ import annotations

from .places import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Words = list[str] | None


def parse_keyvaluepairs(words: Words) -> dict[str, Any]:
    """`a=b c=d`: a key each; a word without `=` has empty text."""
    return {key: value for key, _, value in (word.partition("=") for word in words or ())}


def parse_dict(words: Words) -> dict[str, Any]:
    """The same, below the key `argDict`."""
    return {"argDict": parse_keyvaluepairs(words)}


def parse_list(words: Words) -> dict[str, Any]:
    """All words, as the list `argList`."""
    return {"argList": list(words or ())}


def parse_string(words: Words) -> dict[str, Any]:
    """All words, joined by blanks, as the text `argString`."""
    return {"argString": " ".join(words or ())}


def parse_keys(words: Words) -> dict[str, Any]:
    """Each word is a key, and true."""
    return dict.fromkeys(words or (), True)


def parse_argskwargs(words: Words) -> dict[str, Any]:
    """Words with `=` are keys; the others are in `argList`."""
    pairs = parse_keyvaluepairs([word for word in words or () if "=" in word])
    return {**pairs, "argList": [word for word in words or () if "=" not in word]}


def parse_json(words: Words) -> dict[str, Any]:
    """A JSON object; its keys are the context's."""
    if not words:
        return {}
    import json

    text = " ".join(words)
    try:
        return _mapping("json", json.loads(text))
    except ValueError as error:
        raise BadInput(f"the context parser json cannot read {text!r:.80}: {error}") from None


def parse_jsonfile(words: Words) -> dict[str, Any]:
    """The path of a file with a JSON object."""
    import json

    path = _path("jsonfile", words)
    if path is None:
        return {}
    with open(path, encoding="utf-8") as file:
        return _mapping("jsonfile", json.load(file))


def parse_yamlfile(words: Words) -> dict[str, Any]:
    """The path of a YAML file with a mapping."""
    from .reading import parse_yaml

    path = _path("yamlfile", words)
    if path is None:
        return {}
    with open(path, encoding="utf-8") as file:
        return _mapping("yamlfile", parse_yaml(file.read(), path))


def parse_tomlfile(words: Words) -> dict[str, Any]:
    """The path of a TOML file."""
    import tomllib

    path = _path("tomlfile", words)
    if path is None:
        return {}
    with open(path, "rb") as file:
        return tomllib.load(file)


def _path(parser: str, words: Words) -> str | None:
    if not words:
        return None
    return " ".join(words)


def _mapping(parser: str, found: Any) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise BadInput(
            f"the context parser {parser} wants keys and values at the top, not "
            f"{type(found).__name__}"
        )
    return found
