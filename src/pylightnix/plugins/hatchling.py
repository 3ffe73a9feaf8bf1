"""For projects that are built by hatchling: a metadata hook that adds the committed entry points.

`[tool.hatch.metadata.hooks.pylightnix-plugins]` in pyproject.toml switches it on.
"""

from __future__ import annotations

from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface
from hatchling.plugin import hookimpl

from .entries import grouped
from .settings import committed, mksettings

NAME = "pylightnix-plugins"


class PluginsHook(MetadataHookInterface):
    """Reads `plugins.ini`, or what `file` says."""

    PLUGIN_NAME = NAME

    def update(self, metadata: dict[str, Any]) -> None:
        """Add entry points to those that are there.

        Raises:
            InvalidEntryPoints: the file is not there.
        """
        own = {key: item for key, item in self.config.items() if key != "path"}
        settings = mksettings(own, f"[tool.hatch.metadata.hooks.{NAME}]")
        points: dict[str, dict[str, str]] = dict(metadata.get("entry-points", {}))
        for group, names in grouped(committed(self.root, settings)).items():
            points[group] = {**points.get(group, {}), **names}
        metadata["entry-points"] = points


@hookimpl
def hatch_register_metadata_hook() -> type[MetadataHookInterface]:
    """Tell hatchling of the hook."""
    return PluginsHook
