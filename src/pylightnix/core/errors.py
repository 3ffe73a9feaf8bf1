"""The root and the categories of every error that users meet.

Leaves stand beside the code that raises them. Each passes all its fields to `super().__init__`, so
that it survives the trip from a worker process, and makes its text in `__str__`: the thing, the
cause, the next thing to do.
"""

from __future__ import annotations


class PylightnixError(Exception):
    """Root of everything that this library raises on purpose."""


class InvalidValue(PylightnixError, ValueError):
    """A value that a user gave cannot be what it should be; nothing was touched."""


class StoreError(PylightnixError):
    """The store is missing, busy, damaged, or does not hold what was asked for."""


class InstantiateError(PylightnixError):
    """A stage could not be turned into derivations."""


class RealizeError(PylightnixError):
    """A closure could not be realized."""


class FetchError(PylightnixError):
    """A source could not be had, or is not what its hash says."""


class PluginError(PylightnixError):
    """A plugin is not there, is there twice, is broken, or cannot be built into a distribution."""


class PipelineError(PylightnixError):
    """A pipeline is not what it should be, or could not be run."""


class TenantError(PylightnixError):
    """The code or the packages of a tenant are not what they should be, or could not be run."""
