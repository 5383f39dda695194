"""A write either happens or does not, whichever system call fails and whenever the process dies."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from pajamo.data import atomic
from pajamo.errors import StorageError


@pytest.mark.parametrize("nth", range(1, 6))
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_nth_failing_call_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nth: int, code: int
) -> None:
    target = tmp_path / "metrics.json"
    atomic.write_text(target, "old")
    calls = {"n": 0}

    def failing(real):
        def call(*arguments, **keywords):
            calls["n"] += 1
            if calls["n"] == nth:
                raise OSError(code, os.strerror(code))
            return real(*arguments, **keywords)

        return call

    for name in ("open", "fsync", "replace"):
        monkeypatch.setattr(atomic.os, name, failing(getattr(os, name)))
    refusals = []
    try:
        atomic.write_text(target, "new")
    except StorageError as error:
        refusals.append(error)
    monkeypatch.undo()
    failed = bool(refusals)
    assert all("metrics.json" in error.where for error in refusals)
    assert all(("disk is full" in error.what) == (code == errno.ENOSPC) for error in refusals)
    assert failed == (nth <= calls["n"])
    # After the rename only the folder's flush can fail: the new file stands whole.
    assert target.read_text() in ({"old", "new"} if failed else {"new"})
    assert [f.name for f in tmp_path.iterdir()] == ["metrics.json"]


def test_failure_inside_the_writer_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    atomic.write_text(target, "old")

    def half(path: Path) -> None:
        path.write_text("ne")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StorageError, match="disk is full"):
        atomic.replace_file(target, half)
    assert target.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_json_refuses_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        atomic.write_json(tmp_path / "a.json", {"x": float("nan")})
    assert list(tmp_path.iterdir()) == []


WRITER = """
import sys
from pathlib import Path
from pajamo.data.atomic import write_bytes
target = Path(sys.argv[1])
for k in range(10**9):
    write_bytes(target, bytes([k % 256]) * 2_000_000)
    print(k, flush=True)
"""


def test_kill_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    target = tmp_path / "state.bin"
    generator = np.random.default_rng(0)
    for _ in range(15):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(target)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(generator.uniform(0.0, 0.05))
            process.send_signal(signal.SIGKILL)
        content = target.read_bytes()
        assert len(content) == 2_000_000
        assert len(set(content)) == 1
