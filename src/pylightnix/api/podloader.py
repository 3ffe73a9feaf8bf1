"""`PodLoader`: pods in the folder `pods`, loaded into a namespace by their names."""

from __future__ import annotations

import os
from hashlib import sha256
from typing import Any

from pylightnix.core.errors import PylightnixError
from pylightnix.engine.closure import Closure
from pylightnix.pods.client import Pod
from pylightnix.pods.compat import (
    Loaded,
    PyPodNotFound,
    PyPodNotStartedError,
    folder_of,
    make_folder,
    needed,
    show_environment,
)
from pylightnix.pods.source import NoPod
from pylightnix.store.layout import NoStore, Store, rref_path

from .ambient import current_store, store_initialize
from .keep import gcroot
from .pods import pod, pod_env, pod_open
from .stage import instantiate, realize


class PodLoader:
    """Loads a pod by its name; a stateful handle.

    Args:
        pod_name: an identifier; the pod is the folder `pods/<pod_name>` of the working folder.
        namespace: where an object of that name with the pod's functions is put: `globals()`.
    """

    def __init__(self, pod_name: str, namespace: dict[str, Any]) -> None:
        self.pod_name, self.namespace = pod_name, namespace
        self._pod: Pod | None = None

    def load_pod(self) -> None:
        """Put the pod's functions into the namespace; make the pod if it is not there.

        Raises:
            InvalidValue: the name is no identifier.
            PyPodNotFound: its folder has no pod.py.
            PyPodNotStartedError: its environment cannot be made, or its pod.py not imported.

        Effects: makes the folder, and the store if there is none; realizes the environment that
            its `requirements.txt` asks for, which `venv` in the folder then leads to; starts a
            worker.
        """
        folder = folder_of(self.pod_name, os.getcwd())
        make_folder(folder)
        self.unload_pod()
        try:
            store = _store()
            env = pod_env(needed(folder))
            self._pod = pod_open(self._shown(folder, env, store), store=store)
        except NoPod as error:
            raise PyPodNotFound(self.pod_name, folder) from error
        except PylightnixError as error:
            raise PyPodNotStartedError(self.pod_name, str(error)) from error
        self.namespace[self.pod_name] = Loaded(self._pod)

    def unload_pod(self) -> None:
        """Take the pod out of the namespace, and end its worker; nothing if it is not loaded."""
        if self._pod is not None:
            self._pod.__exit__(None, None, None)
            self._pod = None
        self.namespace.pop(self.pod_name, None)

    def _shown(self, folder: str, env: Any, store: Store) -> Closure:
        """Realize the environment, keep it, and let `venv` lead to it."""
        closure = instantiate(pod(folder, env, self.pod_name), store=store)
        made = realize(instantiate(env, store=store))
        where = sha256(folder.encode()).hexdigest()[:16]
        gcroot(f"pod-{self.pod_name}-{where}", made, store)
        show_environment(folder, rref_path(store, made))
        return closure


def _store() -> Store:
    try:
        return current_store()
    except NoStore:
        return store_initialize()
