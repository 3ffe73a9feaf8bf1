"""A program as users write them, and mistakes as they make them; `mypy --strict` reads it.

Each `type: ignore` marks a mistake that the checker must see: where it sees none, the mark itself
is an error.
"""

from __future__ import annotations

from collections.abc import Sequence

import pylightnix
from pylightnix import (
    AmbiguousResult,
    Build,
    BuildFailed,
    Closure,
    Config,
    Context,
    Derivation,
    DRef,
    InvalidConfig,
    Key,
    Matcher,
    Path,
    PromiseBroken,
    PromiseException,
    PylightnixError,
    PylightnixException,
    RealizeArg,
    Realizer,
    RefPath,
    Registry,
    RRef,
    Store,
    best,
    build_cattrs,
    build_config,
    build_context,
    build_deref,
    build_environ,
    build_name,
    build_outpath,
    build_outpaths,
    build_path,
    build_paths,
    build_run,
    build_wrapper,
    catref,
    config_deps,
    config_dict,
    config_hash,
    config_promises,
    current_registry,
    current_store,
    diff,
    dirro,
    dirrw,
    dref2path,
    du,
    fetchlocal,
    fetchurl,
    find,
    instantiate,
    instantiate_inplace,
    isdref,
    latest,
    linkrref,
    lsref,
    match,
    match_all,
    match_best,
    match_exact,
    match_latest,
    match_only,
    match_some,
    mkconfig,
    mkdref,
    mkdrv,
    mkfile,
    mknode,
    path2rref,
    realize,
    realize_context,
    realize_inplace,
    realize_many,
    realized,
    redefine,
    rmref,
    rref2dref,
    rref2path,
    selfref,
    shellref,
    store_buildtime,
    store_config,
    store_context,
    store_deepdeps,
    store_deps,
    store_drefs,
    store_initialize,
    store_rrefs,
    texthash,
    undref,
    unpack,
    unrref,
    use_store,
)

SHA256 = "31e066137a962676e89f69d1b65382de95a7ef7d914b8cb956f41ea72e0f516b"


# --- stages, with the registry passed on, and with the current one


def hello_source(r: Registry) -> DRef:
    return fetchurl(["https://example.org/hello-2.10.tar.gz"], sha256=SHA256, name="hello-src", r=r)


def hello(r: Registry, cflags: str = "-O2") -> DRef:
    source: RefPath = [hello_source(r), "hello-2.10"]
    config = mkconfig({"name": "hello", "src": source, "cflags": cflags, "out": [selfref, "bin"]})
    return mkdrv(config, match_only(), build_wrapper(compile_hello), r)


def compile_hello(b: Build) -> None:
    attrs = build_cattrs(b)
    source: Path = build_path(b, attrs.src)
    out: Path = build_outpath(b)
    dirrw(out)
    status: int = build_run(b, ["make", f"prefix={out}", out / "x"], cwd=source, env={"CC": "cc"})
    environ: dict[str, str] = build_environ(b)
    (out / str(build_name(b))).write_text(f"{status} {len(environ)} {b.rindex} {b.rarg['verbose']}")
    dirro(out)


def train(lr: float = 0.1) -> DRef:
    data = mkfile("data", "1 2 3\n")

    def build(b: Build) -> None:
        dref: DRef = build_cattrs(b).data
        rref: RRef = build_deref(b, dref)
        context: Context = build_context(b)
        lines: list[Path] = build_paths(b, [data, "data"])
        for out in build_outpaths(b):
            (out / "score.txt").write_text(f"{len(lines)} {rref} {len(context[dref])}")

    return mkdrv(
        mkconfig({"name": "train", "data": data, "lr": lr}),
        match_best("score.txt"),
        build_wrapper(build, nouts=2),
    )


def all_of_them(r: Registry) -> dict[str, DRef | list[DRef]]:
    many = [redefine(hello, new_config=slow)(r=r), realized(hello)(r=r)]
    return {"hello": hello(r), "others": many, "node": mknode({"a": 1}, {"f": b"x"})}


def slow(fields: dict[str, object]) -> None:
    fields["cflags"] = "-O0"


# --- matchers and realizers of their own


def shortest(store: Store, rref: RRef) -> int | None:
    return -len(store_config(rref, store).canonical)


def newest_two(store: Store, rrefs: Sequence[RRef]) -> Sequence[RRef] | None:
    return rrefs[-2:] or None


def plainly(store: Store, dref: DRef, context: Context, rarg: RealizeArg) -> list[Path]:
    folder = Path(rarg.folder())
    folder.mkdir()
    return [folder]


KEYS: list[Key] = [shortest, latest(), best("score.txt"), texthash()]
MATCHERS: list[Matcher] = [
    newest_two,
    match(KEYS, rmin=1, rmax=None),
    match(latest(), rmax=3, exclusive=True),
    match_all(),
    match_some(2),
    match_latest(n=2),
    match_best("a/score.txt", n=3),
    match_exact([]),
]
REALIZERS: list[Realizer] = [plainly, build_wrapper(compile_hello)]


# --- realize, and look at the result


def main() -> None:
    store_initialize(check_not_exist=False)
    store: Store = Store.open("/data/pylightnix", create=True, durability="full")
    with use_store(store), current_registry() as r:
        dref: DRef = hello(r)
        by_dref: Closure = instantiate(dref)
    closure = instantiate(hello, cflags="-O3", store=store)
    derivations: tuple[Derivation, ...] = closure.derivations + by_dref.derivations
    rref: RRef = realize(closure, force_rebuild=True, realize_args={dref: {"verbose": True}})
    rrefs: list[RRef] = realize_many(
        instantiate(train),
        force_rebuild=[derivations[0].dref],
        lock_timeout_s=1.0,
        durability="none",
    )
    result, context = realize_context(instantiate(all_of_them), assert_realized=[dref])
    chosen: tuple[RRef, ...] = context[dref]
    inplace: RRef = realize_inplace(instantiate_inplace(train, 0.2), force_rebuild=[dref])
    look_at(rref, dref, store)
    print(result, chosen, inplace, rrefs, current_store().objects, pylightnix.__version__)


def look_at(rref: RRef, dref: DRef, store: Store) -> None:
    names: list[str] = lsref(rref) + lsref("hello") + catref(rref, ["bin", "notes.txt"])
    sizes: dict[DRef, tuple[int, dict[RRef, int]]] = du()
    found: list[RRef] = find(name="hello*", newer=-3600) + store_rrefs(dref) + find()
    text: str = diff(rref, dref) + (store_buildtime(rref) or "never")
    folder: Path = rref2path(rref) / "bin"
    inside: RRef | None = path2rref(folder)
    link: Path = linkrref(rref, "results", name="latest")
    near: frozenset[DRef] = store_deps(dref) | store_deepdeps([dref])
    config: Config = store_config(rref2dref(rref))
    hash_, name = undref(dref)
    rhash, dhash, _ = unrref(rref)
    again: DRef = mkdref(hash_, name)
    promises: list[RefPath] = config_promises(config)
    fields: dict[str, object] = config_dict(config)
    status: int = shellref(rref)
    context: Context = store_context(rref)
    rmref(rref, force=True, store=store)
    print(names, sizes, found, text, inside, link, near, rhash, dhash, again, promises, fields)
    print(status, context, config_hash(config), config_deps(config), dref2path(dref), store_drefs())


def unpacked(r: Registry) -> DRef:
    archive = fetchlocal(path=Path("a.tar"), mode="as-is", r=r)
    return unpack(refpath=[archive, "a.tar"], name="unpacked", r=r)


def careful(closure: Closure) -> RRef | None:
    try:
        return realize(closure)
    except BuildFailed as error:
        print(error.dref, error.folder, error.log, error.__cause__)
    except (PromiseBroken, PromiseException) as error:
        print(error.missing)
    except AmbiguousResult as error:
        raise SystemExit(str(error)) from error
    except InvalidConfig as error:
        print(*error.issues)
    except (PylightnixError, PylightnixException):
        return None
    return None


# --- mistakes that are seen before anything runs


def mistakes(r: Registry, store: Store, dref: DRef, rref: RRef, config: Config) -> None:
    text: str = "dref:not-parsed"
    rref2path(dref)  # type: ignore[arg-type]
    rref2path(text)  # type: ignore[arg-type]
    dref2path(rref)  # type: ignore[arg-type]
    undref(1)  # type: ignore[arg-type]
    mkconfig([1])  # type: ignore[arg-type]
    mkconfig({1: 2})  # type: ignore[dict-item]
    mkdrv({"name": "x"}, match_only(), plainly, r)  # type: ignore[arg-type]
    mkdrv(config, plainly, match_only(), r)  # type: ignore[arg-type]
    mkdrv(config, match_only, plainly, r)  # type: ignore[arg-type]
    mkdrv(config, match_only())  # type: ignore[call-arg]
    build_wrapper(hello)  # type: ignore[arg-type]
    realize(dref)  # type: ignore[arg-type]
    realize(hello)  # type: ignore[arg-type]
    realize(instantiate(hello), force_rebuild=1)  # type: ignore[arg-type]
    realize(instantiate(hello), durability="fast")  # type: ignore[arg-type]
    realize(instantiate(hello), timeout=1)  # type: ignore[call-arg]
    match_best()  # type: ignore[call-arg]
    match_latest("2")  # type: ignore[arg-type]
    match(keys=[len])  # type: ignore[list-item]
    mknode({"a": 1}, {"f": "text"})  # type: ignore[dict-item]
    mkfile("name", 1)  # type: ignore[arg-type]
    fetchurl()  # type: ignore[call-arg]
    find(newer="yesterday")  # type: ignore[arg-type]
    catref(rref)  # type: ignore[call-arg]
    rmref(rref, store="/data/pylightnix")  # type: ignore[arg-type]
    Store.open("/data", durability="fast")  # type: ignore[arg-type]
    store.objects = "/elsewhere"  # type: ignore[misc]
    config.canonical = b"{}"  # type: ignore[misc]
    config_dict({"name": "x"})  # type: ignore[arg-type]
    pylightnix.instanciate(hello)  # type: ignore[attr-defined]
    if isdref(text):
        dref2path(text)  # type: ignore[arg-type]


def wrong_builder(b: Build) -> None:
    build_path(b)  # type: ignore[call-arg]
    build_path(b, "name")  # type: ignore[arg-type]
    build_deref(b, "name")  # type: ignore[arg-type]
    build_config(b).deps.append(b.dref)  # type: ignore[attr-defined]
    b.outpath = Path()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
