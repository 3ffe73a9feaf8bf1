"""A Nix-style immutable, content-addressed store with a functional API.

Every published name is listed here and loaded when it is first used (PEP 562), so that the import
itself costs next to nothing. `__init__.pyi` says the same to type checkers; a test compares both.
"""

from __future__ import annotations

from pylightnix.core.lazy import lazy

_HOMES = {
    "core.refs": "DRef InvalidName InvalidRef Name RRef RefPath isdref isrref mkdref mkname mkrref "
    "rref2dref undref unrref",
    "core.config": "Config config_cattrs config_deps config_dict config_hash config_name "
    "config_promises selfref",
    "core.confscan": "InvalidConfig",
    "core.context": "Context",
    "core.errors": "FetchError InstantiateError InvalidValue PylightnixError RealizeError "
    "StoreError",
    "core.graph": "CyclicDependency",
    "core.outlook": "Plan PlanItem",
    "core.explain": "ABSENT Cause Change Why",
    "store.layout": "NoStore NotInStore Store",
    "store.lock": "StoreBusy",
    "store.lookup": "Ambiguous",
    "store.query": "Corrupt",
    "store.freeze": "InvalidOutput",
    "store.collector": "CollectorBusy",
    "store.roots": "NoSuchRoot",
    "store.gc": "Collection",
    "store.verify": "Report",
    "store.doctor": "Finding",
    "store.usage": "AmbiguousResult",
    "store.removal": "InUse",
    "stages.guard": "BadArchive HostileArchive Limits",
    "stages.sources": "HashMismatch",
    "stages.download": "DownloadFailed",
    "stages.fetchlocal": "NoSource",
    "engine.arguments": "RealizeArg",
    "engine.registry": "Derivation NestedInstantiate NoRegistry Realizer Registry "
    "UnknownDependency",
    "engine.closure": "Closure NotADerivation",
    "engine.matchers": "Key Matcher MatcherUnsatisfied best exact latest match match_all "
    "match_best match_exact match_latest match_only match_some texthash",
    "engine.build": "Build build_cattrs build_config build_context build_deref build_name "
    "build_outpath build_outpaths build_path build_paths",
    "engine.wrapper": "build_wrapper",
    "engine.confine": "RealizerEnded RealizerRaised",
    "engine.failures": "BuildsFailed TimedOut WorkerDied",
    "engine.events": "Built CutOff Event Failed Fetched Finished Hit Listener LogLine Planned "
    "Progress Queued Skipped Started Waiting",
    "engine.travel": "CannotTravel OtherCode",
    "executors.children": "NoWorkers",
    "engine.produce": "BuildFailed NotRealized PromiseBroken",
    "engine.pause": "NotPaused",
    "engine.run": "ProgramFailed",
    "engine.outlook": "Substituter",
    "engine.files": "dirro dirrw",
    "api.ambient": "current_registry current_store store_initialize use_store",
    "api.given": "UnknownTarget",
    "api.derive": "mkconfig mkdrv",
    "api.stage": "instantiate realize realize_context realize_many",
    "api.autostage": "autodrv autostage realizeU",
    "api.staged": "Stage",
    "api.typed": "given result_of selfpath",
    "api.results": "NoField Result",
    "api.sources": "NotTracked",
    "api.lens": "Lens LensError mklens",
    "api.either": "Failure Realized realize_either",
    "api.table": "NoPandas Table table",
    "api.foresight": "plan why why_depends",
    "api.helper": "ReplHelper",
    "api.repl": "repl_build repl_cancel repl_cancelBuild repl_continue repl_continueBuild "
    "repl_realize repl_rref repl_rrefs",
    "api.inplace": "instantiate_inplace realize_inplace",
    "api.builds": "build_environ build_run",
    "api.kit": "fetchlocal fetchurl mkfile mknode realized redefine unpack",
    "api.look": "dref2path linkrref path2rref rref2path store_buildtime store_cattrs store_config "
    "store_context store_deepdeps store_deps store_drefs store_rrefs",
    "api.keep": "gc gc_empty_trash gc_undo gcroot gcroots rmroot store_gc",
    "api.health": "doctor rebuild_index verify",
    "api.bashlike": "catref diff lsref rmref shellref",
    "api.listing": "du find",
    "ipython.extension": "load_ipython_extension unload_ipython_extension",
    "web.pages": "html_of",
    "api.listeners": "progress",
}
_ALIASES = {
    "Path": ("pathlib", "Path"),
    "PromiseException": ("pylightnix.engine.produce", "PromiseBroken"),
    "PylightnixException": ("pylightnix.core.errors", "PylightnixError"),
    "__version__": ("pylightnix.core.version", "VERSION"),
}
__getattr__, __dir__, __all__ = lazy(__name__, _HOMES, _ALIASES)
