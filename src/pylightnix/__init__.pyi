"""Types of the published names; the names themselves are loaded lazily, see `__init__.py`."""

from pathlib import Path as Path

from .api.ambient import (
    current_registry as current_registry,
)
from .api.ambient import (
    current_store as current_store,
)
from .api.ambient import (
    store_initialize as store_initialize,
)
from .api.ambient import (
    use_store as use_store,
)
from .api.bashlike import (
    catref as catref,
)
from .api.bashlike import (
    diff as diff,
)
from .api.bashlike import (
    du as du,
)
from .api.bashlike import (
    find as find,
)
from .api.bashlike import (
    lsref as lsref,
)
from .api.bashlike import (
    rmref as rmref,
)
from .api.bashlike import (
    shellref as shellref,
)
from .api.builds import (
    build_environ as build_environ,
)
from .api.builds import (
    build_run as build_run,
)
from .api.inplace import (
    instantiate_inplace as instantiate_inplace,
)
from .api.inplace import (
    realize_inplace as realize_inplace,
)
from .api.kit import (
    fetchlocal as fetchlocal,
)
from .api.kit import (
    fetchurl as fetchurl,
)
from .api.kit import (
    mkfile as mkfile,
)
from .api.kit import (
    mknode as mknode,
)
from .api.kit import (
    realized as realized,
)
from .api.kit import (
    redefine as redefine,
)
from .api.kit import (
    unpack as unpack,
)
from .api.look import (
    dref2path as dref2path,
)
from .api.look import (
    linkrref as linkrref,
)
from .api.look import (
    path2rref as path2rref,
)
from .api.look import (
    rref2path as rref2path,
)
from .api.look import (
    store_buildtime as store_buildtime,
)
from .api.look import (
    store_cattrs as store_cattrs,
)
from .api.look import (
    store_config as store_config,
)
from .api.look import (
    store_context as store_context,
)
from .api.look import (
    store_deepdeps as store_deepdeps,
)
from .api.look import (
    store_deps as store_deps,
)
from .api.look import (
    store_drefs as store_drefs,
)
from .api.look import (
    store_rrefs as store_rrefs,
)
from .api.stage import (
    UnknownTarget as UnknownTarget,
)
from .api.stage import (
    instantiate as instantiate,
)
from .api.stage import (
    mkconfig as mkconfig,
)
from .api.stage import (
    mkdrv as mkdrv,
)
from .api.stage import (
    realize as realize,
)
from .api.stage import (
    realize_context as realize_context,
)
from .api.stage import (
    realize_many as realize_many,
)
from .core.config import (
    Config as Config,
)
from .core.config import (
    config_cattrs as config_cattrs,
)
from .core.config import (
    config_deps as config_deps,
)
from .core.config import (
    config_dict as config_dict,
)
from .core.config import (
    config_hash as config_hash,
)
from .core.config import (
    config_name as config_name,
)
from .core.config import (
    config_promises as config_promises,
)
from .core.config import (
    selfref as selfref,
)
from .core.confscan import (
    InvalidConfig as InvalidConfig,
)
from .core.context import (
    Context as Context,
)
from .core.errors import (
    FetchError as FetchError,
)
from .core.errors import (
    InstantiateError as InstantiateError,
)
from .core.errors import (
    InvalidValue as InvalidValue,
)
from .core.errors import (
    PylightnixError as PylightnixError,
)
from .core.errors import (
    RealizeError as RealizeError,
)
from .core.errors import (
    StoreError as StoreError,
)
from .core.graph import (
    CyclicDependency as CyclicDependency,
)
from .core.refs import (
    DRef as DRef,
)
from .core.refs import (
    InvalidName as InvalidName,
)
from .core.refs import (
    InvalidRef as InvalidRef,
)
from .core.refs import (
    Name as Name,
)
from .core.refs import (
    RefPath as RefPath,
)
from .core.refs import (
    RRef as RRef,
)
from .core.refs import (
    isdref as isdref,
)
from .core.refs import (
    isrref as isrref,
)
from .core.refs import (
    mkdref as mkdref,
)
from .core.refs import (
    mkname as mkname,
)
from .core.refs import (
    mkrref as mkrref,
)
from .core.refs import (
    rref2dref as rref2dref,
)
from .core.refs import (
    undref as undref,
)
from .core.refs import (
    unrref as unrref,
)
from .engine.arguments import (
    RealizeArg as RealizeArg,
)
from .engine.build import (
    Build as Build,
)
from .engine.build import (
    build_cattrs as build_cattrs,
)
from .engine.build import (
    build_config as build_config,
)
from .engine.build import (
    build_context as build_context,
)
from .engine.build import (
    build_deref as build_deref,
)
from .engine.build import (
    build_name as build_name,
)
from .engine.build import (
    build_outpath as build_outpath,
)
from .engine.build import (
    build_outpaths as build_outpaths,
)
from .engine.build import (
    build_path as build_path,
)
from .engine.build import (
    build_paths as build_paths,
)
from .engine.build import (
    build_wrapper as build_wrapper,
)
from .engine.closure import (
    Closure as Closure,
)
from .engine.closure import (
    NotADerivation as NotADerivation,
)
from .engine.files import (
    dirro as dirro,
)
from .engine.files import (
    dirrw as dirrw,
)
from .engine.matchers import (
    Key as Key,
)
from .engine.matchers import (
    Matcher as Matcher,
)
from .engine.matchers import (
    MatcherUnsatisfied as MatcherUnsatisfied,
)
from .engine.matchers import (
    best as best,
)
from .engine.matchers import (
    exact as exact,
)
from .engine.matchers import (
    latest as latest,
)
from .engine.matchers import (
    match as match,
)
from .engine.matchers import (
    match_all as match_all,
)
from .engine.matchers import (
    match_best as match_best,
)
from .engine.matchers import (
    match_exact as match_exact,
)
from .engine.matchers import (
    match_latest as match_latest,
)
from .engine.matchers import (
    match_only as match_only,
)
from .engine.matchers import (
    match_some as match_some,
)
from .engine.matchers import (
    texthash as texthash,
)
from .engine.produce import (
    BuildFailed as BuildFailed,
)
from .engine.produce import (
    NotRealized as NotRealized,
)
from .engine.produce import (
    PromiseBroken as PromiseBroken,
)
from .engine.registry import (
    Derivation as Derivation,
)
from .engine.registry import (
    NestedInstantiate as NestedInstantiate,
)
from .engine.registry import (
    NoRegistry as NoRegistry,
)
from .engine.registry import (
    Realizer as Realizer,
)
from .engine.registry import (
    Registry as Registry,
)
from .engine.registry import (
    UnknownDependency as UnknownDependency,
)
from .engine.run import (
    ProgramFailed as ProgramFailed,
)
from .store.freeze import (
    InvalidOutput as InvalidOutput,
)
from .store.layout import (
    NoStore as NoStore,
)
from .store.layout import (
    NotInStore as NotInStore,
)
from .store.layout import (
    Store as Store,
)
from .store.lock import (
    StoreBusy as StoreBusy,
)
from .store.lookup import (
    Ambiguous as Ambiguous,
)
from .store.query import (
    Corrupt as Corrupt,
)
from .store.usage import (
    AmbiguousResult as AmbiguousResult,
)

PromiseException = PromiseBroken
PylightnixException = PylightnixError
__version__: str
from .api.health import (
    doctor as doctor,
)
from .api.health import (
    rebuild_index as rebuild_index,
)
from .api.health import (
    verify as verify,
)
from .api.keep import (
    gc as gc,
)
from .api.keep import (
    gc_empty_trash as gc_empty_trash,
)
from .api.keep import (
    gc_undo as gc_undo,
)
from .api.keep import (
    gcroot as gcroot,
)
from .api.keep import (
    gcroots as gcroots,
)
from .api.keep import (
    rmroot as rmroot,
)
from .api.keep import (
    store_gc as store_gc,
)
from .store.collector import (
    CollectorBusy as CollectorBusy,
)
from .store.doctor import (
    Finding as Finding,
)
from .store.gc import (
    Collection as Collection,
)
from .store.removal import (
    InUse as InUse,
)
from .store.roots import (
    NoSuchRoot as NoSuchRoot,
)
from .store.verify import (
    Report as Report,
)

__all__: list[str]
