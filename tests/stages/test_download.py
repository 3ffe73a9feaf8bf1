"""Downloading: whatever the network does, what arrives is right, or the error says why not."""

from __future__ import annotations

import fcntl
import gc
import hashlib
import os
import pickle
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylightnix.core.errors import InvalidValue
from pylightnix.stages.download import DownloadFailed, download
from pylightnix.stages.parts import own_part
from pylightnix.stages.sources import HashMismatch, parse_urls
from stages.packing import throwaway
from stages.servers import ONE_DAY, WebServer, closed_port, ftp_server, web_server

DATA = bytes(n * 7 % 251 for n in range(100_000))
SHA256 = hashlib.sha256(DATA).hexdigest()
SHA1 = hashlib.sha1(DATA).hexdigest()
OTHER = "0" * 64


@pytest.fixture
def into(tmp_path: Path) -> Path:
    made = tmp_path / "into"
    made.mkdir()
    return made / "file"


def fetched(urls: str | list[str], into: Path, **how: object) -> bytes:
    """The content that arrived, after it was seen that nothing else did."""
    how = {"sha256": SHA256, "timeout_s": 5.0} | how
    download(urls, str(into), **how)  # type: ignore[arg-type]
    assert os.listdir(into.parent) == [into.name]
    return into.read_bytes()


def failure(urls: str | list[str], into: Path, **how: object) -> DownloadFailed:
    """The error, after it was seen that nothing was left behind."""
    how = {"sha256": SHA256, "timeout_s": 5.0} | how
    before = os.listdir(into.parent)
    with pytest.raises(DownloadFailed) as failed:
        download(urls, str(into), **how)  # type: ignore[arg-type]
    assert os.listdir(into.parent) == before
    return failed.value


def test_a_file_arrives(web: WebServer, into: Path) -> None:
    url, page = web.page("/file", DATA)
    assert fetched(url, into) == DATA
    assert fetched(url, into, sha1=SHA1) == DATA
    assert fetched(url, into, sha256=None, sha1=SHA1) == DATA
    assert fetched(url, into, sha256=None) == DATA
    assert page.ranges() == [None] * 4


def test_an_empty_file_arrives(web: WebServer, into: Path) -> None:
    url, _ = web.page("/file", b"")
    assert fetched(url, into, sha256=hashlib.sha256(b"").hexdigest()) == b""


def test_what_was_there_before_is_replaced(web: WebServer, into: Path) -> None:
    into.write_bytes(b"old" * 99_999)
    url, _ = web.page("/file", DATA)
    assert fetched(url, into) == DATA


def test_a_broken_connection_is_resumed_where_it_broke(web: WebServer, into: Path) -> None:
    url, page = web.page("/file", DATA, cuts=[30_000, 1_000])
    assert fetched(url, into) == DATA
    assert page.ranges() == [None, "bytes=30000-", "bytes=31000-"]
    assert [headers.get("If-Range") for headers in page.seen] == [None, '"v1"', '"v1"']


def test_without_an_etag_the_date_says_whether_it_is_the_same(web: WebServer, into: Path) -> None:
    url, page = web.page("/file", DATA, cuts=[10], etag='W/"v1"', last_modified=ONE_DAY)
    assert fetched(url, into) == DATA
    assert page.seen[1]["If-Range"] == ONE_DAY


def test_with_a_hash_even_a_server_without_etags_is_resumed(web: WebServer, into: Path) -> None:
    url, page = web.page("/file", DATA, cuts=[10], etag=None)
    assert fetched(url, into) == DATA
    assert page.ranges() == [None, "bytes=10-"]


def test_without_a_hash_and_an_etag_it_begins_anew(web: WebServer, into: Path) -> None:
    url, page = web.page("/file", DATA, cuts=[10], etag=None)
    assert fetched(url, into, sha256=None) == DATA
    assert page.ranges() == [None, None]


def test_a_file_that_changed_meanwhile_is_fetched_anew(web: WebServer, into: Path) -> None:
    url, page = web.page("/file", b"x" * 50_000, cuts=[40_000])

    def change(done_bytes: int, total_bytes: int | None) -> None:
        page.content, page.etag = DATA, '"v2"'

    assert fetched(url, into, on_progress=change) == DATA


def test_pieces_that_do_not_fit_are_fetched_anew(web: WebServer, into: Path) -> None:
    url, page = web.page("/file", b"x" * 50_000, cuts=[40_000], etag=None)

    def change(done_bytes: int, total_bytes: int | None) -> None:
        page.content = DATA

    assert fetched(url, into, on_progress=change) == DATA
    assert page.ranges() == [None, "bytes=40000-", None]


def test_a_server_that_ignores_ranges_is_followed(web: WebServer, into: Path) -> None:
    url, page = web.page("/file", DATA, cuts=[60_000], knows_ranges=False)
    assert fetched(url, into) == DATA
    assert page.ranges() == [None, "bytes=60000-"]


def test_a_server_that_sends_another_piece_is_asked_anew(web: WebServer, into: Path) -> None:
    url, page = web.page("/file", DATA, cuts=[60_000], range_shift=-5)
    assert fetched(url, into) == DATA
    assert page.ranges() == [None, "bytes=60000-", None]


def test_a_chunked_answer_that_is_cut_is_resumed(web: WebServer, into: Path) -> None:
    url, page = web.page("/file", DATA, cuts=[25_000], is_chunked=True)
    assert fetched(url, into) == DATA
    assert page.ranges() == [None, "bytes=25000-"]


def test_an_answer_of_unknown_length_arrives(web: WebServer, into: Path) -> None:
    url, _ = web.page("/file", DATA, says_length=False)
    assert fetched(url, into) == DATA


def test_an_answer_of_unknown_length_that_was_cut_is_seen(web: WebServer, into: Path) -> None:
    url, _ = web.page("/file", DATA, says_length=False, cuts=[10])
    with pytest.raises(HashMismatch):
        fetched(url, into)
    assert os.listdir(into.parent) == []


def test_a_piece_of_unknown_length_arrives(web: WebServer, into: Path, tmp_path: Path) -> None:
    url, page = web.page("/file", DATA, says_length=False)
    (tmp_path / "part").write_bytes(DATA[:10])
    assert fetched(url, into, partial=str(tmp_path / "part")) == DATA
    assert page.ranges() == ["bytes=10-"]


def test_a_stalled_connection_is_given_up(web: WebServer, into: Path) -> None:
    url, page = web.page("/file", DATA, stalls_after=1000)
    start_s = time.monotonic()
    error = failure(url, into, timeout_s=0.2, attempts=2)
    assert time.monotonic() - start_s < 3
    assert "nothing came for too long" in str(error)
    assert page.ranges() == [None, "bytes=1000-"]


def test_attempts_are_counted(web: WebServer, into: Path) -> None:
    url, page = web.page("/file", DATA, cuts=[10] * 9)
    error = failure(url, into, attempts=2)
    assert len(page.seen) == 2
    assert error.causes == ((url, "it broke off after 20 of 100000 bytes"),)


def test_an_attempt_that_brought_much_is_not_counted(web: WebServer, into: Path) -> None:
    data = bytes(5 * 2**20)
    url, page = web.page("/file", data, cuts=[2**20] * 4)
    assert fetched(url, into, sha256=hashlib.sha256(data).hexdigest(), attempts=1) == data
    assert len(page.seen) == 5


def test_a_server_that_begins_anew_each_time_is_given_up(web: WebServer, into: Path) -> None:
    data = bytes(5 * 2**20)
    sizes = [2**20, 3 * 2**20] * 9
    url, page = web.page("/file", data, cuts=sizes, knows_ranges=False)
    failure(url, into, attempts=2)
    assert len(page.seen) < 6


def test_a_busy_server_is_asked_again(web: WebServer, into: Path) -> None:
    url, page = web.page("/file", DATA, statuses=[503, 429])
    assert fetched(url, into) == DATA
    assert len(page.seen) == 3


def test_a_refusal_is_final(web: WebServer, into: Path) -> None:
    url, page = web.page("/file", DATA, statuses=[403] * 3)
    assert "403" in str(failure(url, into))
    assert len(page.seen) == 1


def test_mirrors_are_tried_in_order(web: WebServer, into: Path) -> None:
    good, page = web.page("/good", DATA)
    wrong, _ = web.page("/wrong", b"x" * 200_000)
    broken, _ = web.page("/broken", DATA, cuts=[10] * 9)
    missing, refused = f"{web.url}/missing", f"http://127.0.0.1:{closed_port()}/file"
    mirrors = [missing, wrong, refused, broken, good]
    assert fetched(mirrors, into, attempts=2) == DATA
    assert page.ranges() == ["bytes=20-"]


def test_when_all_mirrors_fail_each_is_named_with_its_cause(web: WebServer, into: Path) -> None:
    wrong, _ = web.page("/wrong", b"x")
    port = closed_port()
    missing, refused = f"{web.url}/missing", f"http://127.0.0.1:{port}/file"
    unknown = "http://no-such-host.invalid/file"
    error = failure([missing, refused, unknown, wrong], into, attempts=1)
    assert [url for url, _ in error.causes] == [missing, refused, unknown, wrong]
    assert "404" in error.causes[0][1]
    assert "refused" in error.causes[1][1]
    assert "hash" in error.causes[3][1]
    for url, cause in error.causes:
        assert url in str(error)
        assert cause in str(error)


def test_a_wrong_hash_is_an_error_and_nothing_stays(
    web: WebServer, into: Path, tmp_path: Path
) -> None:
    url, page = web.page("/file", DATA)
    part = tmp_path / "part"
    with pytest.raises(HashMismatch) as mismatch:
        download(url, str(into), sha256=OTHER, partial=str(part))
    assert (mismatch.value.url, mismatch.value.expected) == (url, OTHER)
    assert mismatch.value.got == SHA256
    assert not into.exists()
    assert not part.exists()
    assert len(page.seen) == 1


def test_of_two_hashes_both_must_be_right(web: WebServer, into: Path) -> None:
    url, _ = web.page("/file", DATA)
    with pytest.raises(HashMismatch):
        fetched(url, into, sha1="0" * 40)


def test_the_next_run_resumes_what_this_one_could_not_finish(
    web: WebServer, into: Path, tmp_path: Path
) -> None:
    url, page = web.page("/file", DATA, cuts=[70_000])
    part = tmp_path / "part"
    failed = pytest.raises(DownloadFailed)
    with failed:
        download(url, str(into), sha256=SHA256, partial=str(part), attempts=1)
    assert part.read_bytes() == DATA[:70_000]
    assert fetched(url, into, partial=str(part)) == DATA
    assert page.ranges() == [None, "bytes=70000-"]
    assert not part.exists()


def test_a_part_that_is_whole_is_not_fetched_again(
    web: WebServer, into: Path, tmp_path: Path
) -> None:
    url, page = web.page("/file", DATA)
    part = tmp_path / "part"
    part.write_bytes(DATA)
    assert fetched(url, into, partial=str(part)) == DATA
    assert page.ranges() == ["bytes=100000-"]


@pytest.mark.parametrize("left", [b"y" * 500, b"y" * 100_000, b"y" * 100_001, DATA + b"y"])
def test_a_part_of_something_else_does_no_harm(
    left: bytes, web: WebServer, into: Path, tmp_path: Path
) -> None:
    url, _ = web.page("/file", DATA)
    part = tmp_path / "part"
    part.write_bytes(left)
    assert fetched(url, into, partial=str(part), attempts=2) == DATA


def test_without_a_hash_an_earlier_part_is_not_believed(
    web: WebServer, into: Path, tmp_path: Path
) -> None:
    url, _ = web.page("/file", DATA, cuts=[0])
    part = tmp_path / "part"
    part.write_bytes(b"y" * 10)
    with pytest.raises(DownloadFailed):
        download(url, str(into), partial=str(part), attempts=1)
    assert not part.exists()
    part.write_bytes(b"y" * 10)
    assert fetched(url, into, sha256=None, partial=str(part)) == DATA


def test_a_part_that_is_a_link_is_not_written_through(
    web: WebServer, into: Path, tmp_path: Path
) -> None:
    url, _ = web.page("/file", DATA)
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "part").symlink_to("precious")
    with pytest.raises(OSError):
        download(url, str(into), sha256=SHA256, partial=str(tmp_path / "part"))
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_part_belongs_to_one_process_at_a_time(tmp_path: Path) -> None:
    path = str(tmp_path / "part")
    with own_part(path) as first, own_part(path) as second:
        assert (first, second) == (path, None)
    with own_part(path) as third:
        assert third == path


def test_a_part_that_became_a_result_meanwhile_is_not_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part, result, flock = tmp_path / "part", tmp_path / "result", fcntl.flock

    def too_late(fd: int, how: int) -> None:
        part.rename(result)
        flock(fd, how)

    monkeypatch.setattr(fcntl, "flock", too_late)
    with own_part(str(part)) as path:
        assert path is None
        assert result.exists()


def test_progress_is_told_now_and_then_and_at_the_end(web: WebServer, into: Path) -> None:
    data = bytes(3_000_000)
    url, _ = web.page("/file", data, cuts=[1_500_000])
    told: list[tuple[int, int | None]] = []
    fetched(
        url,
        into,
        sha256=hashlib.sha256(data).hexdigest(),
        on_progress=lambda *now: told.append(now),
    )
    assert told[-1] == (3_000_000, 3_000_000)
    assert told == sorted(told)
    assert len(told) < 12


def test_a_redirect_is_followed_and_takes_no_password_along(web: WebServer, into: Path) -> None:
    _, page = web.page("/file", DATA)
    url, first = web.page("/old", b"", redirect="/file")
    assert fetched(url.replace("//", "//me:pass%20word@"), into) == DATA
    assert first.seen[0]["Authorization"] == "Basic bWU6cGFzcyB3b3Jk"
    assert "Authorization" not in page.seen[0]


def test_a_redirect_to_a_file_of_this_machine_is_refused(
    web: WebServer, into: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_bytes(DATA)
    url, _ = web.page("/old", b"", redirect=(tmp_path / "secret").as_uri())
    failure(url, into, attempts=1)


def test_a_password_is_not_shown(into: Path) -> None:
    error = failure(f"http://me:secret@127.0.0.1:{closed_port()}/x", into, attempts=1)
    assert "secret" not in str(error)


def test_addresses_with_spaces_and_letters_are_understood(web: WebServer, into: Path) -> None:
    web.page("/gr%C3%BC%C3%9Fe%20an/alle?x=%20", DATA)
    assert fetched(f"{web.url}/gr\u00fc\u00dfe an/alle?x=%20", into) == DATA


def test_a_file_address_is_copied(into: Path, tmp_path: Path) -> None:
    (tmp_path / "a b").write_bytes(DATA)
    assert fetched((tmp_path / "a b").as_uri(), into) == DATA
    assert "No such file" in str(failure((tmp_path / "missing").as_uri(), into))
    failure(f"file://no-such-host.invalid{tmp_path}/a%20b", into)


def test_an_address_that_only_looks_like_one_is_an_error(into: Path) -> None:
    assert "no address that can be used" in str(failure("http://127.0.0.1:port/x", into))


def test_an_ftp_address_is_fetched_and_begun_anew_when_it_breaks(into: Path) -> None:
    with ftp_server(DATA, cuts=[500]) as url:
        assert fetched(f"{url}/file", into) == DATA


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_an_ftp_address_of_nothing_is_an_error(into: Path) -> None:
    with ftp_server(DATA, cuts=[]) as url:
        assert "550" in str(failure(f"{url}/missing", into, attempts=1))
        gc.collect()  # urllib leaves the connection of a refused transfer to the collector


@pytest.mark.parametrize(
    "url", ["data:,x", "gopher://x/y", "/etc/passwd", "http://", "", "ftp:x", "http://[", None, 5]
)
def test_other_addresses_are_refused_before_the_network(url: object, into: Path) -> None:
    with pytest.raises(InvalidValue):
        download([f"http://127.0.0.1:{closed_port()}/", url], str(into))  # type: ignore[list-item]


def test_no_address_is_refused() -> None:
    with pytest.raises(InvalidValue, match="nowhere"):
        parse_urls([])


@pytest.mark.parametrize("digest", ["", "0" * 63, "0" * 65, "G" * 64, "A" * 64, "0" * 64 + "\n"])
def test_a_hash_of_another_form_is_refused_before_the_network(digest: str, into: Path) -> None:
    with pytest.raises(InvalidValue, match="64 lower-case hex digits"):
        download("http://no-such-host.invalid/", str(into), sha256=digest)
    with pytest.raises(InvalidValue, match="40 lower-case hex digits"):
        download("http://no-such-host.invalid/", str(into), sha1=digest)


def test_errors_survive_the_trip_from_a_worker() -> None:
    for error in (HashMismatch("u", "a", "b"), DownloadFailed((("u", "c"),))):
        copy = pickle.loads(pickle.dumps(error))
        assert (type(copy), str(copy), copy.args) == (type(error), str(error), error.args)


CUTS = st.lists(st.integers(0, 3000), max_size=4)


@given(
    content=st.binary(max_size=3000), cuts=CUTS, left=st.binary(max_size=50), ranges=st.booleans()
)
def test_what_arrives_is_what_was_asked_for(
    content: bytes, cuts: list[int], left: bytes, ranges: bool
) -> None:
    with web_server() as web, throwaway() as top:
        url, _ = web.page("/file", content, cuts=cuts, knows_ranges=ranges)
        (top / "part").write_bytes(left)
        digest = hashlib.sha256(content).hexdigest()
        try:
            download(url, f"{top}/file", sha256=digest, partial=f"{top}/part", attempts=2)
        except DownloadFailed:
            assert not (top / "file").exists()
        else:
            assert (top / "file").read_bytes() == content
