"""What `from pylightnix import ...` gives: every name that was promised, and none by accident."""

from __future__ import annotations

import inspect
import pickle
from difflib import unified_diff
from pathlib import Path
from types import FunctionType

import pytest

import pylightnix
from pylightnix import PylightnixError

SIGNATURES = Path(__file__).with_name("signatures.txt")

# The names of the specification, chapter by chapter.
PROMISED = {
    "references": "DRef RRef RefPath selfref mkdref mkrref mkname undref unrref rref2dref isdref "
    "isrref InvalidRef",
    "configs": "mkconfig Config Path InvalidConfig InvalidName Registry config_dict config_name "
    "config_hash config_deps config_cattrs config_promises",
    "stores": "Store NoStore store_initialize use_store current_store",
    "realizing": "mkdrv instantiate Closure Derivation current_registry realize realize_many "
    "realize_context Context instantiate_inplace realize_inplace",
    "errors": "BuildFailed PromiseBroken MatcherUnsatisfied AmbiguousResult NotRealized "
    "UnknownDependency NestedInstantiate NoStore NotInStore Corrupt PylightnixError",
    "matchers": "Matcher Key match match_only match_latest match_best match_some match_all "
    "match_exact latest best exact texthash",
    "building": "Realizer build_wrapper Build build_config build_context build_cattrs build_name "
    "build_outpath build_outpaths build_deref build_path build_paths build_environ build_run "
    "dirrw dirro",
    "foreseeing": "plan Plan PlanItem why Why why_depends Substituter ABSENT Cause Change",
    "stages": "fetchurl fetchlocal unpack mknode mkfile redefine realized",
    "looking": "lsref catref rmref du find diff shellref rref2path dref2path store_config "
    "store_context store_deps store_deepdeps store_drefs store_rrefs store_buildtime "
    "store_cattrs linkrref path2rref",
    "functions as stages": "autostage autodrv realizeU mklens realize_either Realized Failed table",
    "older programs": "PromiseException PylightnixException",
}
NAMES = sorted({name for names in PROMISED.values() for name in names.split()})
VALUES = {name: getattr(pylightnix, name) for name in pylightnix.__all__}
FUNCTIONS = {name: value for name, value in VALUES.items() if isinstance(value, FunctionType)}
CLASSES = {name: value for name, value in VALUES.items() if isinstance(value, type)}
ERRORS = {name: cls for name, cls in CLASSES.items() if issubclass(cls, PylightnixError)}


@pytest.mark.parametrize("name", NAMES)
def test_a_promised_name_is_published(name: str) -> None:
    assert name in pylightnix.__all__
    assert getattr(pylightnix, name) is not None


def test_older_names_are_the_newer_ones() -> None:
    assert pylightnix.PromiseException is pylightnix.PromiseBroken
    assert pylightnix.PylightnixException is pylightnix.PylightnixError


@pytest.mark.parametrize("name", [*FUNCTIONS, *CLASSES])
def test_what_is_published_says_what_it_is_for(name: str) -> None:
    doc = inspect.getdoc(VALUES[name]) or ""
    first = doc.partition("\n\n")[0]
    assert first.endswith((".", "`")) or ": " in first, doc
    assert doc != inspect.getdoc(object)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_published_function_names_all_its_types(name: str) -> None:
    signature = inspect.signature(FUNCTIONS[name])
    for parameter in signature.parameters.values():
        assert parameter.annotation is not parameter.empty, parameter
    assert signature.return_annotation is not signature.empty


def test_every_error_has_the_one_root_and_a_category() -> None:
    for name, value in CLASSES.items():
        if issubclass(value, BaseException) and not issubclass(value, Warning):
            assert name in ERRORS
    assert len(ERRORS) > 20


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_survives_the_trip_from_a_worker(name: str) -> None:
    error = sample(ERRORS[name])
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert vars(again) == vars(error)
    assert str(again) == str(error)
    assert str(error)


def sample(kind: type[PylightnixError]) -> PylightnixError:
    """An error with something for each of its fields."""
    if "__init__" not in vars(kind):
        return kind("some text")
    fields = [*inspect.signature(kind.__init__).parameters.values()][1:]
    return kind(*(_something(str(field.annotation)) for field in fields))


def _something(annotation: str) -> object:
    if annotation.startswith("tuple[tuple["):
        return (("one", "two"), ("three", "four"))
    if annotation.startswith("tuple["):
        return ("one", "two")
    if annotation.startswith(("int", "float")):
        return 7
    return "some text"


def rendered(name: str) -> str:
    """A signature in one form for all versions of Python."""
    parts: list[str] = []
    signature = inspect.signature(FUNCTIONS[name])
    star = False
    for parameter in signature.parameters.values():
        text = f"{parameter.name}: {parameter.annotation}"
        if parameter.kind is parameter.KEYWORD_ONLY and not star:
            parts.append("*")
        star = star or parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL)
        stars: dict[object, str] = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}
        default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
        parts.append(f"{stars.get(parameter.kind, '')}{text}{default}")
    return f"{name}({', '.join(parts)}) -> {signature.return_annotation}\n"


def test_signatures_are_those_that_programs_were_written_for() -> None:
    """A change that breaks no program (a further option, say) is entered in the file by hand."""
    wanted = SIGNATURES.read_text(encoding="utf-8").splitlines(keepends=True)
    now = [rendered(name) for name in FUNCTIONS]
    assert "".join(unified_diff(wanted, now, SIGNATURES.name, "now")) == ""
