"""Functions as stages, as users write them, and mistakes as they make them."""

from __future__ import annotations

from functools import partial
from typing import assert_type

from pylightnix import (
    Build,
    Closure,
    DRef,
    Failed,
    Failure,
    Path,
    Realized,
    Registry,
    Result,
    RRef,
    Store,
    Table,
    autostage,
    build_run,
    given,
    instantiate,
    match_best,
    mklens,
    realize_either,
    realizeU,
    result_of,
    selfpath,
    selfref,
    table,
    use_store,
)


class Data(Result):
    """What `dataset` makes."""

    out: str
    size: int


@autostage(out=[selfref, "data.csv"])
def dataset(out: str, size: int = 3) -> None:
    Path(out).write_text(str(size))


@autostage(out=[selfref, "model"], nouts=3, matcher=match_best("score.txt"))
def train(
    out: str,
    score: str = selfpath("score.txt"),
    data: Data = result_of(dataset, Data),
    lr: float = 0.1,
    *,
    rindex: int = 0,
    build: Build = given,
) -> None:
    assert_type(data.size, int)
    assert_type(data.rref, RRef)
    assert_type(data.path, Path)
    print(data.sise)  # type: ignore[attr-defined]
    build_run(build, ["train", data.out, str(lr * rindex), out, score])


@autostage
def plot(model: Result = result_of(train), loose: object = result_of(train).anything) -> None:
    assert_type(model.dref, DRef)
    print(model.lr)  # type: ignore[attr-defined]


@autostage(nouts=2)
def required(x: int, y: str = "") -> None: ...


def plain(r: Registry, x: int = 1) -> DRef:
    return train(lr=0.5)


def uses(store: Store, any_stage: object) -> None:
    assert_type(instantiate(train, lr=0.2), Closure)
    assert_type(train(lr=0.2, data=Data(store, RRef(""))), DRef)
    instantiate(required, 1, y="a")
    instantiate(plain, x=3, store=store)
    instantiate(lambda: [train(lr=0.1), dataset()])
    instantiate(partial(train, lr=0.2), store=store)
    with use_store(store):
        instantiate(train)
    found: Data = realizeU(instantiate(dataset), kind=Data)
    assert_type(found.size, int)
    text: str = mklens(found).out.contents
    match realize_either(instantiate(plot)):
        case Realized(result, context):
            print(result, context, text)
        case Failure(dref, error, traceback, log, skipped):
            assert_type(dref, DRef)
            assert_type(traceback, str)
            assert_type(skipped, tuple[DRef, ...])
            print(error, log)
    other = realize_either(instantiate(plot))
    if isinstance(other, Failed):
        print(other.log)
    assert_type(table(train, {"score": "score.txt"}), Table)


def mistakes(store: Store) -> None:
    instantiate(train, lrr=0.2)  # type: ignore[call-overload]
    instantiate(train, lr="fast")  # type: ignore[call-overload]
    instantiate(train, data=3)  # type: ignore[call-overload]
    instantiate(required)  # type: ignore[call-overload]
    instantiate(required, "1")  # type: ignore[call-overload]
    train(lr="fast")  # type: ignore[arg-type]
    train(lrr=1)  # type: ignore[call-arg]
    partial(train, lr="fast")  # type: ignore[arg-type]
    autostage(nouts="3")  # type: ignore[call-overload]
    result_of(dataset, int)  # type: ignore[type-var]
    selfpath(1)  # type: ignore[arg-type]
    table(sort=1)  # type: ignore[arg-type]
    realizeU(train)  # type: ignore[arg-type]
