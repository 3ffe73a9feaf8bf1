"""Types of the published names; the names themselves are loaded lazily, see `__init__.py`."""

from pathlib import Path as Path

from .core.refs import (
    DRef as DRef,
    InvalidName as InvalidName,
    InvalidRef as InvalidRef,
    Name as Name,
    RRef as RRef,
    RefPath as RefPath,
    isdref as isdref,
    isrref as isrref,
    mkdref as mkdref,
    mkname as mkname,
    mkrref as mkrref,
    rref2dref as rref2dref,
    undref as undref,
    unrref as unrref,
)
from .core.config import (
    Config as Config,
    config_cattrs as config_cattrs,
    config_deps as config_deps,
    config_dict as config_dict,
    config_hash as config_hash,
    config_name as config_name,
    config_promises as config_promises,
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
    InstantiateError as InstantiateError,
    InvalidValue as InvalidValue,
    PylightnixError as PylightnixError,
    RealizeError as RealizeError,
    StoreError as StoreError,
)
from .core.graph import (
    CyclicDependency as CyclicDependency,
)
from .store.layout import (
    NoStore as NoStore,
    NotInStore as NotInStore,
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
from .store.freeze import (
    InvalidOutput as InvalidOutput,
)
from .store.usage import (
    AmbiguousResult as AmbiguousResult,
    InUse as InUse,
)
from .engine.arguments import (
    RealizeArg as RealizeArg,
)
from .engine.registry import (
    Derivation as Derivation,
    NestedInstantiate as NestedInstantiate,
    NoRegistry as NoRegistry,
    Realizer as Realizer,
    Registry as Registry,
    UnknownDependency as UnknownDependency,
)
from .engine.closure import (
    Closure as Closure,
    NotADerivation as NotADerivation,
)
from .engine.matchers import (
    Key as Key,
    Matcher as Matcher,
    MatcherUnsatisfied as MatcherUnsatisfied,
    best as best,
    exact as exact,
    latest as latest,
    match as match,
    match_all as match_all,
    match_best as match_best,
    match_exact as match_exact,
    match_latest as match_latest,
    match_only as match_only,
    match_some as match_some,
    texthash as texthash,
)
from .engine.build import (
    Build as Build,
    build_cattrs as build_cattrs,
    build_config as build_config,
    build_context as build_context,
    build_deref as build_deref,
    build_name as build_name,
    build_outpath as build_outpath,
    build_outpaths as build_outpaths,
    build_path as build_path,
    build_paths as build_paths,
    build_wrapper as build_wrapper,
)
from .engine.produce import (
    BuildFailed as BuildFailed,
    NotRealized as NotRealized,
    PromiseBroken as PromiseBroken,
)
from .engine.run import (
    ProgramFailed as ProgramFailed,
)
from .engine.files import (
    dirro as dirro,
    dirrw as dirrw,
)
from .api.ambient import (
    current_registry as current_registry,
    current_store as current_store,
    store_initialize as store_initialize,
    use_store as use_store,
)
from .api.stage import (
    UnknownTarget as UnknownTarget,
    instantiate as instantiate,
    mkconfig as mkconfig,
    mkdrv as mkdrv,
    realize as realize,
    realize_context as realize_context,
    realize_many as realize_many,
)
from .api.inplace import (
    instantiate_inplace as instantiate_inplace,
    realize_inplace as realize_inplace,
)
from .api.builds import (
    build_environ as build_environ,
    build_run as build_run,
)
from .api.kit import (
    fetchlocal as fetchlocal,
    fetchurl as fetchurl,
    mkfile as mkfile,
    mknode as mknode,
    realized as realized,
    redefine as redefine,
    unpack as unpack,
)
from .api.look import (
    dref2path as dref2path,
    linkrref as linkrref,
    path2rref as path2rref,
    rref2path as rref2path,
    store_buildtime as store_buildtime,
    store_cattrs as store_cattrs,
    store_config as store_config,
    store_context as store_context,
    store_deepdeps as store_deepdeps,
    store_deps as store_deps,
    store_drefs as store_drefs,
    store_rrefs as store_rrefs,
)
from .api.bashlike import (
    catref as catref,
    diff as diff,
    du as du,
    find as find,
    lsref as lsref,
    rmref as rmref,
    shellref as shellref,
)
from .core.errors import PylightnixError as PylightnixException
from .core.version import VERSION as __version__
from .engine.produce import PromiseBroken as PromiseException

__all__: list[str]
