"""The file `tenant.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylightnix import InvalidValue
from pylightnix.sandbox.policy import Policy
from pylightnix.tenants import BrokenSettings, InvalidTenant, Settings
from pylightnix.tenants.settings import FILE, _toml, read, write

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
PATHS = TEXTS.map(lambda text: f"/{text.replace('/', '')}x")
LIMITS = st.none() | st.integers(1, 1 << 40)
POLICIES = st.builds(
    Policy,
    network=st.booleans(),
    ro=st.lists(PATHS, max_size=2).map(tuple),
    rw=st.lists(PATHS, max_size=2).map(tuple),
    memory_bytes=LIMITS,
    cpu_s=st.none() | st.floats(0.001, 1e6),
    wall_s=st.none() | st.floats(0.001, 1e6),
    pids=LIMITS,
    file_bytes=LIMITS,
    env=st.dictionaries(TEXTS.filter(lambda text: text and "=" not in text), TEXTS, max_size=3),
)
SETTINGS = st.builds(
    Settings,
    st.just("one"),
    st.lists(st.sampled_from(["greet<2", "a[b]>=1; python_version>'3'", "c"])).map(tuple),
    POLICIES,
    st.none() | st.integers(0, 1 << 50),
    st.lists(PATHS, max_size=2).map(tuple),
)


@given(SETTINGS)
def test_what_is_written_is_read(settings: Settings) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        write(settings, f"{folder}/{FILE}")
        assert read(f"{folder}/{FILE}") == settings


@given(SETTINGS)
def test_what_is_written_is_toml(settings: Settings) -> None:
    assert tomllib.loads(_toml(settings))["name"] == "one"


DAMAGED = (
    "",
    "name = 1",
    "name = 'one'\npackages = 3\nfind_links = []\n[policy]",
    "name = '../x'\npackages = []\nfind_links = []\n[policy]",
    "name = 'one'\npackages = []\nfind_links = []\n[policy]\nwat = 1",
    "\xff",
    "[[",
)


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_file_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(text.encode("latin-1"))
    with pytest.raises(BrokenSettings, match=FILE):
        read(str(tmp_path / FILE))


def test_a_policy_by_hand_that_says_nothing_of_processes_limits_them(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("name = 'one'\npackages = []\nfind_links = []\n[policy]\n")
    assert read(str(tmp_path / FILE)).policy == Policy()


@pytest.mark.parametrize("field, value", [("packages", ("a b c",)), ("packages", "pandas"),
                                          ("packages", (7,)), ("quota_bytes", -1),
                                          ("quota_bytes", 1.5), ("policy", "none")])  # fmt: skip
def test_a_wrong_setting_is_refused(field: str, value: object) -> None:
    with pytest.raises(InvalidTenant):
        replace(Settings("one"), **{field: value})  # type: ignore[arg-type]


def test_text_that_is_no_unicode_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="Unicode"):
        write(Settings("one", policy=Policy(env={"A": "\ud800"})), str(tmp_path / FILE))
