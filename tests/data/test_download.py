"""Downloads resume, verify, and never leave a bad file under the right name. Against a server of our own."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pajamo.data.public import download as module
from pajamo.data.public.download import Checksums, checksums, download
from pajamo.errors import DownloadError, StorageError

CONTENT = bytes(range(256)) * 400
"""About 100 kB in which every offset can be told from its neighbours."""
RIGHT = Checksums(hashlib.sha256(CONTENT).hexdigest(), hashlib.md5(CONTENT).hexdigest(), len(CONTENT))


@dataclass
class Server:
    """How the server behaves, and what it was asked."""

    address: str = ""
    content: bytes = CONTENT
    tag: str = '"first"'
    ranges: bool = True
    failures: list[int] = field(default_factory=list)
    """Answers to give before any other, oldest first."""
    break_after: list[int] = field(default_factory=list)
    """For each answer in turn: bytes after which the connection is cut."""
    asked: list[str | None] = field(default_factory=list)
    """The Range header of every request."""

    def url(self, path: str = "/file.h5ad") -> str:
        return self.address + path


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

        def do_GET(self) -> None:
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", "/file.h5ad")
                self.end_headers()
                return
            state.asked.append(self.headers.get("Range"))
            if state.failures:
                self.send_error(state.failures.pop(0))
                return
            self.answer()

        def answer(self) -> None:
            start = 0
            current = self.headers.get("If-Range", state.tag) == state.tag
            if state.ranges and current and self.headers.get("Range"):
                start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            if start >= len(state.content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(state.content)}")
                self.end_headers()
                return
            body = state.content[start:]
            self.send_response(206 if start else 200)
            self.send_header("ETag", state.tag)
            self.send_header("Content-Length", str(len(body)))
            if start:
                self.send_header(
                    "Content-Range", f"bytes {start}-{len(state.content) - 1}/{len(state.content)}"
                )
            self.end_headers()
            self.wfile.write(body[: state.break_after.pop(0)] if state.break_after else body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        state.address = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        running.shutdown()
        thread.join()


def fetch(server: Server, target: Path, expected: Checksums = RIGHT, **more: object) -> Checksums:
    return download(server.url(), target, expected, pause=0.0, **more)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_whole_file_arrives_and_is_hashed(server: Server, tmp_path: Path) -> None:
    lines: list[str] = []
    found = fetch(server, tmp_path / "sub" / "a.h5ad", progress=lines.append)
    assert found == RIGHT
    assert (tmp_path / "sub" / "a.h5ad").read_bytes() == CONTENT
    assert files(tmp_path / "sub") == ["a.h5ad"]
    assert lines[-1].endswith("(100%)")


def test_redirect_is_followed(server: Server, tmp_path: Path) -> None:
    download(server.url("/moved"), tmp_path / "a.h5ad", RIGHT, pause=0.0)
    assert (tmp_path / "a.h5ad").read_bytes() == CONTENT


def test_resumes_from_the_part_that_is_there(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.h5ad.part").write_bytes(CONTENT[:30_000])
    assert fetch(server, tmp_path / "a.h5ad") == RIGHT
    assert server.asked == ["bytes=30000-"]


def test_broken_connections_are_resumed_not_restarted(server: Server, tmp_path: Path) -> None:
    server.break_after = [10_000, 25_000]
    assert fetch(server, tmp_path / "a.h5ad") == RIGHT
    assert server.asked == [None, "bytes=10000-", "bytes=35000-"]


def test_server_without_ranges_starts_over(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    (tmp_path / "a.h5ad.part").write_bytes(b"x" * 200_000)
    assert fetch(server, tmp_path / "a.h5ad") == RIGHT


def test_part_of_an_older_version_is_not_continued(server: Server, tmp_path: Path) -> None:
    server.break_after = [10_000]
    with pytest.raises(DownloadError, match="could not be fetched"):
        fetch(server, tmp_path / "a.h5ad", Checksums(), attempts=1)
    server.content, server.tag = CONTENT[::-1], '"second"'
    fetch(server, tmp_path / "a.h5ad", Checksums())
    assert (tmp_path / "a.h5ad").read_bytes() == CONTENT[::-1]
    assert files(tmp_path) == ["a.h5ad"]


def test_part_that_is_already_whole_needs_no_transfer(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.h5ad.part").write_bytes(CONTENT)
    assert fetch(server, tmp_path / "a.h5ad") == RIGHT


def test_part_that_is_too_long_is_fetched_anew(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.h5ad.part").write_bytes(CONTENT + b"more")
    assert fetch(server, tmp_path / "a.h5ad") == RIGHT
    assert server.asked[-1] is None


@pytest.mark.parametrize(
    "wrong", [Checksums(sha256="0" * 64), Checksums(md5="0" * 32), Checksums(size=len(CONTENT) - 1)]
)
def test_wrong_checksum_keeps_nothing_and_names_both(
    server: Server, tmp_path: Path, wrong: Checksums
) -> None:
    with pytest.raises(DownloadError) as caught:
        fetch(server, tmp_path / "a.h5ad", wrong, by_hand="fetch it by hand")
    assert files(tmp_path) == []
    assert "expected" in caught.value.why
    assert "got" in caught.value.why
    assert "fetch it by hand" in caught.value.fix


def test_always_truncated_says_so_and_keeps_the_part(server: Server, tmp_path: Path) -> None:
    server.break_after = [1_000] * 3
    with pytest.raises(DownloadError) as caught:
        fetch(server, tmp_path / "a.h5ad", attempts=3)
    assert "3,000 of 102,400 bytes (attempt 3)" in caught.value.why
    assert (tmp_path / "a.h5ad.part").read_bytes() == CONTENT[:3_000]
    assert not (tmp_path / "a.h5ad").exists()


def test_server_error_then_success(server: Server, tmp_path: Path) -> None:
    server.failures = [500, 503]
    assert fetch(server, tmp_path / "a.h5ad") == RIGHT


def test_missing_file_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    server.failures = [404] * 5
    with pytest.raises(DownloadError, match="could not be fetched") as caught:
        fetch(server, tmp_path / "a.h5ad")
    assert len(server.asked) == 1
    assert "404" in caught.value.why


def test_nobody_answers(tmp_path: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        download("http://127.0.0.1:9/a.h5ad", tmp_path / "a.h5ad", attempts=2, pause=0.0, by_hand="by hand")
    assert caught.value.where == "http://127.0.0.1:9/a.h5ad"
    assert caught.value.fix.endswith("by hand")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "norman.h5ad"])
def test_only_http_is_fetched(tmp_path: Path, url: str) -> None:
    with pytest.raises(DownloadError, match="not an HTTP one"):
        download(url, tmp_path / "a.h5ad")


class FullDisk:
    """A file whose disk fills up after some bytes."""

    def __init__(self, path: Path, mode: str, room: int) -> None:
        self.file, self.room = open(path, mode), room  # noqa: SIM115

    def __enter__(self) -> FullDisk:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def write(self, block: bytes) -> None:
        if len(block) > self.room:
            self.file.write(block[: self.room])
            raise OSError(errno.ENOSPC, "No space left on device")
        self.file.write(block)
        self.room -= len(block)

    def flush(self) -> None:
        self.file.flush()


def test_full_disk_is_a_storage_error_and_resumes(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK", 4096)
    real = Path.open
    with monkeypatch.context() as patch:
        patch.setattr(
            Path, "open",
            lambda path, mode="r", *a, **k: FullDisk(path, mode, 50_000)
            if path.suffix == ".part" and mode in ("wb", "ab") else real(path, mode, *a, **k),
        )  # fmt: skip
        with pytest.raises(StorageError, match="disk is full"):
            fetch(server, tmp_path / "a.h5ad")
    assert (tmp_path / "a.h5ad.part").read_bytes() == CONTENT[:50_000]
    assert fetch(server, tmp_path / "a.h5ad") == RIGHT
    assert server.asked[-1] == "bytes=50000-"


def test_interrupt_keeps_the_part(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 4096)

    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(server, tmp_path / "a.h5ad", progress=interrupt)
    kept = (tmp_path / "a.h5ad.part").read_bytes()
    assert 0 < len(kept) < len(CONTENT)
    assert kept == CONTENT[: len(kept)]
    assert fetch(server, tmp_path / "a.h5ad") == RIGHT


def test_two_at_once_do_not_garble_the_file(server: Server, tmp_path: Path) -> None:
    with (tmp_path / "a.h5ad.part").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(DownloadError, match="another process"):
            fetch(server, tmp_path / "a.h5ad")
    assert server.asked == []


def test_checksums_of_known_bytes(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    found = checksums(tmp_path / "abc")
    assert found.md5 == "900150983cd24fb0d6963f7d28e17f72"
    assert found.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert found.size == 3
