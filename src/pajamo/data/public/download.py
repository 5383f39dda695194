"""Fetches one file over HTTP: resumes, verifies, and either has it whole or says why not.

While it arrives, the file is called NAME.part; an interrupted download goes on from there. Only a file
whose checksums agree gets its own name.
"""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from pajamo.data.atomic import storage_errors, write_text
from pajamo.errors import DownloadError

Progress = Callable[[str], object]
BLOCK = 1 << 20
TIMEOUT = 60.0
"""Seconds without a byte after which the connection counts as broken."""
ATTEMPTS = 5
PAUSE = 1.0
"""Seconds before the second attempt; doubled for each further one."""
PASSING_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP answers that may change when asked again."""
STEP = 0.05
"""Share of the file between two lines of progress."""


@dataclass(frozen=True)
class Checksums:
    """What a file's bytes hash to, or should; empty where not known."""

    sha256: str = ""
    md5: str = ""
    size: int = 0

    def differences(self, found: Checksums) -> list[str]:
        """Say for each known checksum that another was found."""
        pairs = (
            ("sha256", self.sha256, found.sha256),
            ("md5", self.md5, found.md5),
            ("bytes", self.size, found.size),
        )
        return [f"{name} expected {want}, got {got}" for name, want, got in pairs if want and want != got]


def checksums(path: Path) -> Checksums:
    """Hash a file's bytes in one pass."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            sha256.update(block)
            md5.update(block)
    return Checksums(sha256.hexdigest(), md5.hexdigest(), path.stat().st_size)


def download(
    url: str,
    target: Path,
    expected: Checksums | None = None,
    *,
    progress: Progress | None = None,
    by_hand: str = "",
    attempts: int = ATTEMPTS,
    pause: float = PAUSE,
) -> Checksums:
    """Fetch `url` to `target` and return what its bytes hash to.

    Arguments
    ---------
    expected: checksums to compare with; unknown ones are not compared.
    progress: called with a line of text now and then.
    by_hand: said at the end of an error: how to go on if the network is not to be had.

    Raises
    ------
    DownloadError: the address is not HTTP, is not reached, has no such file, breaks off each time, another
        process is fetching it, or the checksums differ (then nothing is kept).
    StorageError: the disk is full; what has arrived is kept and the next call goes on from there.
    """
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise DownloadError("the address is not an HTTP one", where=url, fix=by_hand)
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    transfer = _Transfer(url, part, progress or (lambda _: None))
    with _alone(part):
        _persist(transfer, attempts, pause, by_hand)
        found = checksums(part)
        _accept(transfer, expected or Checksums(), found, by_hand)
        with storage_errors(target):
            os.replace(part, target)
    return found


@contextmanager
def _alone(part: Path) -> Iterator[None]:
    """Hold the unfinished file alone: two processes that append to it would garble it."""
    with storage_errors(part):
        handle = os.open(part, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DownloadError(
                "another process is fetching this file", where=str(part), fix="wait for it to end"
            ) from None
        yield
    finally:
        os.close(handle)


def _accept(transfer: _Transfer, expected: Checksums, found: Checksums, by_hand: str) -> None:
    """Delete what has arrived, and say so, if its checksums are not the expected ones."""
    transfer.tag_file.unlink(missing_ok=True)
    differences = expected.differences(found)
    if differences:
        transfer.part.unlink()
        raise DownloadError(
            "the file that arrived is not the expected one",
            where=transfer.url,
            why="; ".join(differences),
            fix=f"try again (nothing was kept); if it repeats, the file there has changed. {by_hand}",
        )


def _persist(transfer: _Transfer, attempts: int, pause: float, by_hand: str) -> None:
    """Try until the file is whole, a lasting error comes, or the attempts are used up."""
    for attempt in range(1, attempts + 1):
        try:
            transfer.run()
            return
        except urllib.error.HTTPError as error:
            error.close()
            reason, passing = f"the server answers {error.code} {error.reason}", error.code in PASSING_STATUS
        except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
            reason, passing = str(getattr(error, "reason", error)) or type(error).__name__, True
        if not passing or attempt == attempts:
            again = "run the same command again: it goes on where it stopped. " if passing else ""
            raise DownloadError(
                "the file could not be fetched",
                where=transfer.url,
                why=f"{reason} (attempt {attempt})",
                fix=again + by_hand,
            )
        transfer.progress(f"{reason}; trying again")
        time.sleep(pause * 2 ** (attempt - 1))


@dataclass
class _Transfer:
    """One file on its way, and how much of it is here."""

    url: str
    part: Path
    progress: Progress
    told: float = 0.0

    @property
    def tag_file(self) -> Path:
        """Where the server's tag of the version that we hold a part of is kept."""
        return self.part.with_name(self.part.name + ".etag")

    def run(self) -> None:
        """Fetch what is missing; raise an error of urllib or http.client if the connection breaks."""
        have = self.part.stat().st_size if self.part.is_file() else 0
        try:
            response = urllib.request.urlopen(self._request(have), timeout=TIMEOUT)
        except urllib.error.HTTPError as error:
            if error.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or not have:
                raise
            error.close()
            if _total(error.headers.get("Content-Range")) == have:
                return
            response = urllib.request.urlopen(self._request(0), timeout=TIMEOUT)
        with response:
            resumed = response.status == HTTPStatus.PARTIAL_CONTENT
            if resumed and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
                raise http.client.HTTPException(
                    "the server sends another part of the file than was asked for"
                )
            self._receive(response, have if resumed else 0)

    def _request(self, have: int) -> urllib.request.Request:
        request = urllib.request.Request(
            self.url, headers={"User-Agent": "pajamo", "Accept-Encoding": "identity"}
        )
        if have:
            request.add_header("Range", f"bytes={have}-")
            if self.tag_file.is_file():
                # The server then sends the whole file if it is no longer the one of which we have a part.
                request.add_header("If-Range", self.tag_file.read_text(encoding="utf-8"))
        return request

    def _receive(self, response: http.client.HTTPResponse, start: int) -> None:
        length = response.headers.get("Content-Length")
        total = start + int(length) if length else None
        if not start:
            self._remember(response.headers.get("ETag"))
        with storage_errors(self.part):
            file = self.part.open("ab" if start else "wb")
        received = start
        with file:
            while block := response.read(BLOCK):
                with storage_errors(self.part):
                    file.write(block)
                    file.flush()
                received += len(block)
                self._tell(received, total)
        if total is not None and received < total:
            raise ConnectionError(f"the connection broke after {received:,} of {total:,} bytes")

    def _remember(self, tag: str | None) -> None:
        self.tag_file.unlink(missing_ok=True)
        if tag and not tag.startswith("W/"):
            write_text(self.tag_file, tag)

    def _tell(self, received: int, total: int | None) -> None:
        if total and (received / total >= self.told + STEP or received == total):
            self.told = received / total
            self.progress(f"{received / 1e6:,.0f} of {total / 1e6:,.0f} MB ({self.told:.0%})")


def _total(content_range: str | None) -> int | None:
    """Read the whole length from "bytes */1234"."""
    tail = (content_range or "").rpartition("/")[2]
    return int(tail) if tail.isdigit() else None
