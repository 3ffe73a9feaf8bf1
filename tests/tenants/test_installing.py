"""Installations that are refused or fail: what is told of them, and what is left of them."""

from __future__ import annotations

import os
import pickle
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylightnix import BuildFailed, Built, Event, Finished, Store, gc, store_drefs
from pylightnix.store.layout import rref_path
from pylightnix.store.query import rrefs
from pylightnix.store.usage import tree_bytes
from pylightnix.tenants import InstallFailed, InvalidTenant, QuotaExceeded, TenantError
from pylightnix.tenants.words import without_places
from tenants.conftest import Making
from wheels_for_tests import wheel


def told(error: InstallFailed) -> str:
    """All that a platform could show of an error."""
    return f"{error}{error!r}{vars(error)}{error.args}"


@pytest.mark.parametrize(
    ("packages", "words"),
    [
        (["nowhere"], ["nowhere"]),
        (["greet>=7"], ["greet>=7", "2.0"]),
        (["greet>=2", "needy"], ["greet>=2", "needy"]),
    ],
)
def test_it_is_told_which_packages_cannot_be_had_and_why(
    packages: Sequence[str], words: Sequence[str], make: Making, wheels: Path, tmp_path: Path
) -> None:
    one = make("one", packages=packages, find_links=wheels)
    with pytest.raises(InstallFailed) as caught:
        one.install()
    error = caught.value
    assert issubclass(InstallFailed, TenantError) and issubclass(InstallFailed, BuildFailed)
    assert (error.name, error.packages) == ("one", tuple(packages))
    assert all(word in error.cause for word in words)
    assert str(error).endswith("Ask for other versions, or try again later")
    for secret in (str(tmp_path), "dref:", "var/", "pod-lock", "--"):
        assert secret not in told(error)
    # What the platform wants to know is there for it.
    assert isinstance(error.__cause__, BuildFailed) and os.path.isdir(error.__cause__.folder)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_file_that_is_no_wheel_is_told_by_its_name(make: Making, tmp_path: Path) -> None:
    links = tmp_path / "a place"
    links.mkdir()
    (links / "broken-1.0-py3-none-any.whl").write_bytes(b"no archive")
    with pytest.raises(InstallFailed, match=r"broken-1\.0-py3-none-any\.whl") as caught:
        make("one", packages=["broken"], find_links=links).install()
    assert "a place" not in told(caught.value) and str(tmp_path) not in told(caught.value)


def test_a_folder_of_wheels_that_is_not_there_is_told_by_its_name(
    make: Making, tmp_path: Path
) -> None:
    one = make("one", packages=["greet"], find_links=tmp_path / "gone")
    with pytest.raises(InstallFailed, match="No such file or directory: 'gone'") as caught:
        one.install()
    assert str(tmp_path) not in told(caught.value)


def test_a_server_and_its_password_are_not_told(
    make: Making, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "http://me:password@127.0.0.1:9/simple"
    for name in ("UV_INDEX_URL", "UV_DEFAULT_INDEX", "PIP_INDEX_URL"):
        monkeypatch.setenv(name, address)
    for name in ("UV_HTTP_RETRIES", "PIP_RETRIES"):
        monkeypatch.setenv(name, "0")
    with pytest.raises(InstallFailed, match="greet") as caught:
        make("one", packages=["greet"]).install()
    assert "password" not in told(caught.value) and "127.0.0.1" not in told(caught.value)


@pytest.mark.parametrize("text", [
    "greet===${PLATFORM_SECRET}", "greet; python_version < '${PLATFORM_SECRET}'", "greet===1\\",
])  # fmt: skip
def test_requirements_do_not_ask_for_variables_of_the_platform(
    text: str, make: Making, wheels: Path
) -> None:
    one = make("one", find_links=wheels)
    with pytest.raises(InvalidTenant, match="without"):
        one.change(packages=[text])
    assert one.settings.packages == ()


NAMES = st.text("abc/: '(é", min_size=1, max_size=9).map(lambda text: f"x{text}".strip("/ "))
FORMS = st.sampled_from(["{}", "in {}/y.whl:", "`{}/y`", "file://{}/y.whl", "({}/y/z)", "{}:{}/"])


@given(NAMES, FORMS)
def test_no_place_is_left_in_what_is_told(name: str, form: str) -> None:
    place = f"/secret/place/{name}"
    said = without_places(f"cannot read {form.format(place, place)} now", [place])
    assert "secret" not in said and "place" not in said
    assert said.startswith("cannot read ") and said.endswith(" now")


@given(st.text("abc/:é", min_size=1, max_size=9), FORMS)
def test_nor_is_one_that_nobody_knows_of(name: str, form: str) -> None:
    place = f"/secret/{name}/x"
    assert "secret" not in without_places(f"cannot read {form.format(place, place)} now", ())


@pytest.mark.parametrize(("said", "left"), [
    ("only greet<=2.0 is there, and you require greet>=7", None),
    ("ends at https://me:secret@host", "ends at the index"),
    ("get https://host:80/simple/greet/?x=1#y now", "get ?x=1#y now"),
    ("\x1b[31mred\x1b[0m", "red"),
    ("Pool(host='index.corp', port=443): /simple/greet/", "Pool(the index, port=443): greet"),
    ("", ""),
])  # fmt: skip
def test_the_rest_is_told_as_it_was_said(said: str, left: str | None) -> None:
    assert without_places(said, ()) == (said if left is None else left)


def test_what_is_told_has_an_end() -> None:
    assert len(without_places("x" * 1_000_000, ())) < 11_000
    assert len(without_places("a/" * 1_000_000, ())) < 11_000


def test_of_many_packages_the_first_are_told() -> None:
    error = InstallFailed("one", tuple(f"p{number}" + "x" * 999 for number in range(100)), "why")
    assert "p19x" in str(error) and "p20x" not in str(error) and "and 80 more" in str(error)
    assert len(str(error)) < 5000


def envs(store: Store) -> list[str]:
    """Folders of the environments that a store has."""
    drefs = [dref for dref in store_drefs(store) if "pod-env" in str(dref)]
    return [rref_path(store, rref) for dref in drefs for rref in rrefs(store, dref)]


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A folder with a package of 1 MB."""
    text = "#" * 1_000_000
    return wheel(tmp_path / "wheels", "large", "1.0", {"large.py": text}).parent


def test_an_environment_that_is_refused_is_never_in_the_store(
    make: Making, large: Path, store: Store
) -> None:
    one = make("one", packages=["large"], find_links=large, quota_bytes=500_000)
    before = tree_bytes(store.objects) + tree_bytes(store.var)
    for _ in range(2):
        with pytest.raises(QuotaExceeded, match="the installation was refused") as caught:
            one.install()
        assert dict(caught.value.used)["env"] > 1_000_000
        assert caught.value.__cause__ is None  # which would speak of the store
    assert envs(store) == []
    # Its lock stays: what the packages meant today they mean tomorrow.
    assert tree_bytes(store.objects) + tree_bytes(store.var) - before < 100_000
    one.change(quota_bytes=5_000_000)
    one.install()
    assert one.installed() == {"large": "1.0"}


@pytest.mark.parametrize("spare_bytes", [0, 19_000, 20_000, 24_000, 40_000])
def test_what_is_measured_before_is_what_is_counted_after(
    spare_bytes: int, make: Making, wheels: Path, store: Store
) -> None:
    """Whatever the quota: an environment that the store has is one that fits."""
    other = make("other", packages=["greet<2"], find_links=wheels)
    other.install()
    used = other.quota().used_bytes
    other.delete()
    gc(grace_s=0.0)
    assert envs(store) == []
    one = make("one", packages=["greet<2"], find_links=wheels)
    one.change(quota_bytes=used - 20_000 + spare_bytes)
    try:
        one.install()
    except QuotaExceeded:
        assert envs(store) == [] and spare_bytes < 40_000
    else:
        assert spare_bytes > 19_000 and abs(one.quota().used_bytes - used) < 100


def test_a_collection_meanwhile_takes_nothing_of_an_installation(
    make: Making, wheels: Path
) -> None:
    one = make("one", packages=["greet<2"], find_links=wheels)
    taken: list[object] = []

    def listen(event: Event) -> None:
        if isinstance(event, Built | Finished):
            taken.extend(gc(grace_s=0.0).dead)

    one.install(listen)
    assert one.installed() == {"greet": "1.0"} and not taken


def test_who_may_have_more_has_what_another_one_was_refused(
    make: Making, large: Path, store: Store
) -> None:
    one = make("one", packages=["large"], find_links=large, quota_bytes=500_000)
    two = make("two", packages=["large"], find_links=large)
    two.install()
    with pytest.raises(QuotaExceeded):
        one.install()
    assert len(envs(store)) == 1
    assert two.installed() == {"large": "1.0"}


def test_an_installation_that_fails_leaves_little(
    make: Making, large: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel(large, "other", "1.0", {"other.py": ""})
    one = make("one", packages=["large", "other"], find_links=large)
    with monkeypatch.context() as patched:
        patched.setattr("pylightnix.pods.env.forget_the_day", broken)
        with pytest.raises(InstallFailed, match="a bad disk"):
            one.install()
    assert tree_bytes(store.var) < 100_000
    one.install()
    assert one.missing() == ()


def broken(_: object) -> None:
    raise OSError(5, "a bad disk")


@pytest.mark.parametrize("progress", [True, False])
def test_progress_is_shown_on_standard_error(
    progress: bool, make: Making, wheels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make("one", packages=["greet"], find_links=wheels).install(progress)
    out, err = capsys.readouterr()
    assert (out, "pod-env" in err, "built in" in err) == ("", progress, progress)


def test_a_broken_index_does_not_cost_what_was_installed(make: Making, wheels: Path) -> None:
    one = make("one", packages=["greet<2"], find_links=wheels)
    one.install()
    one.change(packages=["nowhere"])
    with pytest.raises(InstallFailed):
        one.install()
    assert one.installed() == {"greet": "1.0"}
    one.change(packages=["greet<2"])
    assert one.missing() == ()
