"""Types of the published names; they are loaded lazily, see `__init__.py`."""

from pathlib import Path

from .api.ambient import current_registry, current_store, store_initialize, use_store
from .api.autostage import autodrv, autostage, realizeU
from .api.bashlike import catref, diff, lsref, rmref, shellref
from .api.builds import build_environ, build_run
from .api.derive import mkconfig, mkdrv
from .api.either import Failure, Realized, realize_either
from .api.foresight import plan, why, why_depends
from .api.given import UnknownTarget
from .api.health import doctor, rebuild_index, verify
from .api.helper import ReplHelper
from .api.inplace import instantiate_inplace, realize_inplace
from .api.keep import gc, gc_empty_trash, gc_undo, gcroot, gcroots, rmroot, store_gc
from .api.kit import fetchlocal, fetchurl, mkfile, mknode, realized, redefine, unpack
from .api.lens import Lens, LensError, mklens
from .api.listeners import progress
from .api.listing import du, find
from .api.look import (
    dref2path,
    linkrref,
    path2rref,
    rref2path,
    store_buildtime,
    store_cattrs,
    store_config,
    store_context,
    store_deepdeps,
    store_deps,
    store_drefs,
    store_rrefs,
)
from .api.repl import (
    repl_build,
    repl_cancel,
    repl_cancelBuild,
    repl_continue,
    repl_continueBuild,
    repl_realize,
    repl_rref,
    repl_rrefs,
)
from .api.results import NoField, Result
from .api.sources import NotTracked
from .api.stage import (
    instantiate,
    realize,
    realize_context,
    realize_many,
)
from .api.staged import Stage
from .api.table import NoPandas, Table, table
from .api.typed import given, result_of, selfpath
from .core.config import (
    Config,
    config_cattrs,
    config_deps,
    config_dict,
    config_hash,
    config_name,
    config_promises,
    selfref,
)
from .core.confscan import InvalidConfig
from .core.context import Context
from .core.errors import (
    FetchError,
    InstantiateError,
    InvalidValue,
    PylightnixError,
    RealizeError,
    StoreError,
)
from .core.explain import ABSENT, Cause, Change, Why
from .core.graph import CyclicDependency
from .core.outlook import Plan, PlanItem
from .core.refs import (
    DRef,
    InvalidName,
    InvalidRef,
    Name,
    RefPath,
    RRef,
    isdref,
    isrref,
    mkdref,
    mkname,
    mkrref,
    rref2dref,
    undref,
    unrref,
)
from .engine.arguments import RealizeArg
from .engine.build import (
    Build,
    build_cattrs,
    build_config,
    build_context,
    build_deref,
    build_name,
    build_outpath,
    build_outpaths,
    build_path,
    build_paths,
)
from .engine.closure import Closure, NotADerivation
from .engine.confine import RealizerEnded, RealizerRaised
from .engine.events import (
    Built,
    CutOff,
    Event,
    Failed,
    Fetched,
    Finished,
    Hit,
    Listener,
    LogLine,
    Planned,
    Progress,
    Queued,
    Skipped,
    Started,
    Waiting,
)
from .engine.failures import BuildsFailed, TimedOut, WorkerDied
from .engine.files import dirro, dirrw
from .engine.matchers import (
    Key,
    Matcher,
    MatcherUnsatisfied,
    best,
    exact,
    latest,
    match,
    match_all,
    match_best,
    match_exact,
    match_latest,
    match_only,
    match_some,
    texthash,
)
from .engine.outlook import Substituter
from .engine.pause import NotPaused
from .engine.produce import BuildFailed, NotRealized, PromiseBroken
from .engine.registry import (
    Derivation,
    NestedInstantiate,
    NoRegistry,
    Realizer,
    Registry,
    UnknownDependency,
)
from .engine.run import ProgramFailed
from .engine.travel import CannotTravel, OtherCode
from .engine.wrapper import build_wrapper
from .executors.children import NoWorkers
from .ipython.extension import load_ipython_extension, unload_ipython_extension
from .stages.download import DownloadFailed
from .stages.fetchlocal import NoSource
from .stages.guard import BadArchive, HostileArchive, Limits
from .stages.sources import HashMismatch
from .store.collector import CollectorBusy
from .store.doctor import Finding
from .store.freeze import InvalidOutput
from .store.gc import Collection
from .store.layout import NoStore, NotInStore, Store
from .store.lock import StoreBusy
from .store.lookup import Ambiguous
from .store.query import Corrupt
from .store.removal import InUse
from .store.roots import NoSuchRoot
from .store.usage import AmbiguousResult
from .store.verify import Report
from .web.pages import html_of

PromiseException = PromiseBroken
PylightnixException = PylightnixError
__version__: str

__all__ = [
    "ABSENT",
    "Ambiguous",
    "AmbiguousResult",
    "BadArchive",
    "Build",
    "BuildFailed",
    "BuildsFailed",
    "Built",
    "CannotTravel",
    "Cause",
    "Change",
    "Closure",
    "Collection",
    "CollectorBusy",
    "Config",
    "Context",
    "Corrupt",
    "CutOff",
    "CyclicDependency",
    "DRef",
    "Derivation",
    "DownloadFailed",
    "Event",
    "Failed",
    "Failure",
    "FetchError",
    "Fetched",
    "Finding",
    "Finished",
    "HashMismatch",
    "Hit",
    "HostileArchive",
    "InUse",
    "InstantiateError",
    "InvalidConfig",
    "InvalidName",
    "InvalidOutput",
    "InvalidRef",
    "InvalidValue",
    "Key",
    "Lens",
    "LensError",
    "Limits",
    "Listener",
    "LogLine",
    "Matcher",
    "MatcherUnsatisfied",
    "Name",
    "NestedInstantiate",
    "NoField",
    "NoPandas",
    "NoRegistry",
    "NoSource",
    "NoStore",
    "NoSuchRoot",
    "NoWorkers",
    "NotADerivation",
    "NotInStore",
    "NotPaused",
    "NotRealized",
    "NotTracked",
    "OtherCode",
    "Path",
    "Plan",
    "PlanItem",
    "Planned",
    "ProgramFailed",
    "Progress",
    "PromiseBroken",
    "PromiseException",
    "PylightnixError",
    "PylightnixException",
    "Queued",
    "RRef",
    "RealizeArg",
    "RealizeError",
    "Realized",
    "Realizer",
    "RealizerEnded",
    "RealizerRaised",
    "RefPath",
    "Registry",
    "ReplHelper",
    "Report",
    "Result",
    "Skipped",
    "Stage",
    "Started",
    "Store",
    "StoreBusy",
    "StoreError",
    "Substituter",
    "Table",
    "TimedOut",
    "UnknownDependency",
    "UnknownTarget",
    "Waiting",
    "Why",
    "WorkerDied",
    "__version__",
    "autodrv",
    "autostage",
    "best",
    "build_cattrs",
    "build_config",
    "build_context",
    "build_deref",
    "build_environ",
    "build_name",
    "build_outpath",
    "build_outpaths",
    "build_path",
    "build_paths",
    "build_run",
    "build_wrapper",
    "catref",
    "config_cattrs",
    "config_deps",
    "config_dict",
    "config_hash",
    "config_name",
    "config_promises",
    "current_registry",
    "current_store",
    "diff",
    "dirro",
    "dirrw",
    "doctor",
    "dref2path",
    "du",
    "exact",
    "fetchlocal",
    "fetchurl",
    "find",
    "gc",
    "gc_empty_trash",
    "gc_undo",
    "gcroot",
    "gcroots",
    "given",
    "html_of",
    "instantiate",
    "instantiate_inplace",
    "isdref",
    "isrref",
    "latest",
    "linkrref",
    "load_ipython_extension",
    "lsref",
    "match",
    "match_all",
    "match_best",
    "match_exact",
    "match_latest",
    "match_only",
    "match_some",
    "mkconfig",
    "mkdref",
    "mkdrv",
    "mkfile",
    "mklens",
    "mkname",
    "mknode",
    "mkrref",
    "path2rref",
    "plan",
    "progress",
    "realize",
    "realizeU",
    "realize_context",
    "realize_either",
    "realize_inplace",
    "realize_many",
    "realized",
    "rebuild_index",
    "redefine",
    "repl_build",
    "repl_cancel",
    "repl_cancelBuild",
    "repl_continue",
    "repl_continueBuild",
    "repl_realize",
    "repl_rref",
    "repl_rrefs",
    "result_of",
    "rmref",
    "rmroot",
    "rref2dref",
    "rref2path",
    "selfpath",
    "selfref",
    "shellref",
    "store_buildtime",
    "store_cattrs",
    "store_config",
    "store_context",
    "store_deepdeps",
    "store_deps",
    "store_drefs",
    "store_gc",
    "store_initialize",
    "store_rrefs",
    "table",
    "texthash",
    "undref",
    "unload_ipython_extension",
    "unpack",
    "unrref",
    "use_store",
    "verify",
    "why",
    "why_depends",
]
