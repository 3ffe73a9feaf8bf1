"""What `pylightnix plugins` takes."""

from __future__ import annotations

from argparse import ArgumentParser

from .words import Add


def declare(add: Add) -> None:
    """Declare it."""
    add(
        "plugins",
        "",
        "find, list and look over plugins, of this library and of any other",
        json="what the single commands say.",
        below=_plugins,
    )


def _plugins(add: Add) -> None:
    for command in (_discover, _entrypoints, _check, _list, _show, _resolve, _doctor):
        command(add)


READS = """\
Reads the syntax trees of the project's modules, and runs nothing of it. What can only be told by
running it is named on standard error. Settings: [tool.pylightnix.plugins] in pyproject.toml."""


def _discover(add: Add) -> None:
    parser = add(
        "discover",
        "cmd_discover:discover",
        "find the plugins of the project in a folder, and print their entry points",
        details=READS,
        json="{namespace: {name: value}}.",
    )
    _project(parser)
    parser.add_argument("--format", choices=("ini", "json"), default="ini", help="by default ini")
    parser.add_argument("--output", metavar="FILE", help="write them to a file instead")


def _entrypoints(add: Add) -> None:
    parser = add(
        "entrypoints",
        "cmd_discover:entrypoints",
        "write the entry points of a project to plugins.ini, to be committed",
        details=READS,
        json="{file, plugins}: how many there are.",
    )
    _project(parser)


def _check(add: Add) -> None:
    parser = add(
        "check",
        "cmd_discover:check",
        "tell whether a project's plugins.ini is up to date; for continuous integration",
        details="The exit code is 1 if it is not; what differs is printed.",
        json="{file, missing: [line, ...], ok, surplus: [line, ...]}.",
    )
    _project(parser)


def _project(parser: ArgumentParser) -> None:
    parser.add_argument("folder", metavar="FOLDER", nargs="?", default=".", help="of the project")
    parser.add_argument("--where", metavar="DIR", help="the folder in it that holds its packages")
    for name, what in (("--include", "take only"), ("--exclude", "leave out")):
        parser.add_argument(
            name,
            metavar="PATTERN",
            action="append",
            help=f"{what} modules that fit, as `shop.plugins.*`; may be given again",
        )
    parser.add_argument(
        "--import",
        dest="importing",
        action="store_true",
        help="import every module, for specs that only running code can show",
    )
    parser.add_argument(
        "--keep-going",
        action="store_true",
        help="leave out modules that cannot be parsed, or imported, instead of failing",
    )


def _list(add: Add) -> None:
    parser = add(
        "list",
        "cmd_plugins:list_plugins",
        "list the plugins that are installed; imports none of them",
        json="[{distribution, name, namespace, value}, ...].",
    )
    _namespaces(parser)


def _show(add: Add) -> None:
    parser = add(
        "show",
        "cmd_plugins:show",
        "tell all that is known of a plugin without importing it",
        json="[{distribution, name, namespace, place, value}, ...].",
    )
    parser.add_argument("name", metavar="NAME")
    _namespaces(parser)


def _resolve(add: Add) -> None:
    parser = add(
        "resolve",
        "cmd_plugins:resolve",
        "import plugins, and tell what they are",
        details="The exit code is 1 if one cannot be imported.",
        json="[{detail, name, namespace, ok}, ...].",
    )
    parser.add_argument("names", metavar="NAME", nargs="*", help="by default all")
    _namespaces(parser)


def _doctor(add: Add) -> None:
    parser = add(
        "doctor",
        "cmd_plugins:doctor",
        "import, create and load every plugin, and tell what is wrong with which",
        details="The exit code is 1 if one is broken, or two have one name.",
        json="[{detail, distribution, name, namespace, ok, state, value}, ...].",
    )
    _namespaces(parser)
    parser.add_argument(
        "--no-load",
        action="store_true",
        help="stop before load(), for plugins that are loaded with arguments",
    )


def _namespaces(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--namespace",
        metavar="NAME",
        action="append",
        help="of this namespace; may be given again; by default those of pylightnix",
    )
