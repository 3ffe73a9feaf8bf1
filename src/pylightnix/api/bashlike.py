"""Objects at your finger tips: `lsref`, `catref`, `rmref`, `diff`, `shellref`.

Wherever a reference is expected, a name or the beginning of a hash will do.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from pylightnix.core.errors import InvalidValue
from pylightnix.core.manifest import META
from pylightnix.core.refs import DRef, InvalidRef, RRef
from pylightnix.store import query, usage
from pylightnix.store.layout import NotInStore, Store
from pylightnix.store.lookup import resolve
from pylightnix.store.trouble import told

from .ambient import environment, live_roots, resolved


@told
def lsref(ref: DRef | RRef | str, store: Store | None = None) -> list[str]:
    """List what an object holds.

    Args:
        ref: of a derivation or a realization; a name or the beginning of a hash will do.
        store: by default the current one.

    Returns:
        A realization's artifacts (names, sorted), or a derivation's realizations (RRefs).

    Raises:
        NotInStore, Ambiguous, Corrupt: it is not there, not clear, or not what its name says.
    """
    where = resolved(store)
    found = resolve(where, ref)
    path = usage.path_of(where, found)
    if isinstance(found, RRef):
        return sorted(name for name in os.listdir(path) if name != META)
    return list(query.rrefs(where, found))


@told
def catref(
    ref: DRef | RRef | str, fn: str | Sequence[str], store: Store | None = None
) -> list[str]:
    """Read a text artifact of a realization (or of the only one of a derivation).

    Args:
        ref: of the realization, or of the derivation.
        fn: the parts of its path: `['usr', 'share', 'notes.txt']`; one part may be a str.
        store: by default the current one.

    Returns:
        Its lines, with their ends.

    Raises:
        NotInStore: no such object, or no such file in it.
        AmbiguousResult: the derivation has several realizations.
        InvalidValue: the file is not UTF-8 text.
    """
    path = artifact(ref, fn, store)
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.readlines()
    except UnicodeDecodeError as error:
        raise InvalidValue(
            f"{path} is not UTF-8 text ({error.reason}): open it as bytes"
        ) from error


@told
def artifact(ref: DRef | RRef | str, fn: str | Sequence[str], store: Store | None = None) -> str:
    """Give the path of a file of a realization, or of the only realization of a derivation.

    Raises:
        NotInStore: no such object, or no such file in it.
        InvalidRef: the path leads out of the object.
    """
    where = resolved(store)
    rref = usage.only_rref(where, resolve(where, ref))
    parts = _parts(fn)
    path = os.path.join(usage.path_of(where, rref), *parts)
    if not os.path.isfile(path):
        raise NotInStore(f"{rref}/{'/'.join(parts)}", "no such file in the realization")
    return path


def _parts(fn: object) -> list[str]:
    from pylightnix.core.confscan import is_part

    parts = [fn] if isinstance(fn, str) else list(fn) if isinstance(fn, Iterable) else []
    if not parts or not all(isinstance(part, str) and is_part(part) for part in parts):
        raise InvalidRef(
            "path inside a realization", fn, ("expected its parts, as ['usr', 'bin', 'hello']",)
        )
    return parts


@told
def rmref(ref: DRef | RRef | str, force: bool = False, store: Store | None = None) -> None:
    """Delete a realization, or a derivation with all its realizations.

    Args:
        ref: of what is to be deleted.
        force: even if others depend on it.
        store: by default the current one.

    Raises:
        InUse: others depend on it; they are listed.
        NotInStore, Ambiguous: it is not there, or not clear.
    """
    from pylightnix.store import removal

    where = resolved(store)
    removal.delete(where, resolve(where, ref), force=force, mine=live_roots(where).path)


@told
def diff(a: DRef | RRef | str, b: DRef | RRef | str, store: Store | None = None) -> str:
    """Tell how two objects differ.

    Args:
        a: a derivation or a realization.
        b: another one.
        store: by default the current one.

    Returns:
        A unified diff of their configs and, of two realizations, of their manifests; empty if they
        do not differ.
    """
    where = resolved(store)
    one, two = resolve(where, a), resolve(where, b)
    text = _unified(_config_lines(where, one), _config_lines(where, two), one, two, "config.json")
    if isinstance(one, RRef) and isinstance(two, RRef):
        text += _unified(
            _manifest_lines(where, one), _manifest_lines(where, two), one, two, "manifest.json"
        )
    return text


def _unified(left: list[str], right: list[str], a: str, b: str, file: str) -> str:
    from difflib import unified_diff

    return "".join(unified_diff(left, right, f"{a}/{file}", f"{b}/{file}"))


def _config_lines(store: Store, ref: DRef | RRef) -> list[str]:
    from pylightnix.core.codec import parse_json

    return _pretty(parse_json(query.config_of(store, query.dref_of(ref)).canonical))


def _manifest_lines(store: Store, rref: RRef) -> list[str]:
    import json

    manifest = query.manifest_of(store, rref)
    context = {dref: list(rrefs) for dref, rrefs in sorted(manifest.context.items())}
    entries = [json.dumps(entry, ensure_ascii=False) + "\n" for entry in manifest.entries]
    return _pretty({"context": context, "dref": manifest.dref}) + entries


def _pretty(value: object) -> list[str]:
    import json

    return (json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n").splitlines(
        keepends=True
    )


@told
def shellref(ref: DRef | RRef | str, store: Store | None = None) -> int:
    """Open a shell (`$SHELL`, otherwise sh) in the folder of an object, and wait for its end.

    Returns:
        The shell's exit status.
    """
    where = resolved(store)
    return shell_in(usage.path_of(where, resolve(where, ref)))


def shell_in(path: str, more: Mapping[str, str] | None = None) -> int:
    """Open a shell in a folder and wait for its end.

    Args:
        path: the folder.
        more: added to the environment.

    Returns:
        The shell's exit status.
    """
    import subprocess

    env = environment()
    return subprocess.run(
        [env.get("SHELL") or "/bin/sh"], cwd=path, check=False, env={**env, **(more or {})}
    ).returncode
