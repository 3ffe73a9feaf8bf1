"""Words that no command of ours begins: perhaps a plugin has it. Nobody else pays for looking."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def command_at(words: Sequence[str]) -> int | None:
    """Tell which word is the command: the first that is no option, nor an option's value."""
    skip = False
    for i, word in enumerate(words):
        if skip or word.startswith("-"):
            skip = word == "--store" and not skip
        else:
            return i
    return None


def is_plugin(word: str, ours: Collection[str]) -> bool:
    """Tell whether a word is a command of a plugin; imports none.

    Raises:
        NoSuchPlugin: it was, and its distribution is gone.
    """
    if word in ours:
        return False
    from pylightnix.plugins.failures import NoSuchPlugin
    from pylightnix.plugins.index import Index

    namespace = "pylightnix.commands"
    index = Index()
    if word in index.names(namespace):
        return True
    had = index.had(namespace, word)
    if had:
        raise NoSuchPlugin(namespace, word, had)
    return False


def unknown(word: str, ours: Collection[str]) -> str:
    """Say that nobody has a command of this name, and which is near to it."""
    from difflib import get_close_matches

    from pylightnix.plugins.index import Index

    known = [*sorted(ours), *Index().names("pylightnix.commands")]
    near = get_close_matches(word.lower(), known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
    return f"there is no command {word!r}; {hint}"


def listed() -> str:
    """Say which commands plugins have; empty if none."""
    from pylightnix.plugins.index import Index

    found = ", ".join(sorted(Index().names("pylightnix.commands")))
    return f"commands of plugins: {found}\n\n" if found else ""
