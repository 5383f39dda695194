"""One file is one state: whole, hashed, and there whatever happens while the next one is written."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from pajamo.errors import IntegrityError, StorageError
from pajamo.training.checkpoints import read_state, write_state

KILLS = 40
WRITER = """
import os, sys, numpy as np
from pathlib import Path
from pajamo.training.checkpoints import write_state
path = Path(sys.argv[1])
for line in sys.stdin:  # a fork for each line, so that the imports are paid once
    child = os.fork()
    if child == 0:
        n = int(line)
        while True:
            write_state(path, {"a": np.full(20_000, n), "b": np.full(20_000, -n)}, {"n": n})
            n += 1000
    print(child, flush=True)
    os.waitpid(child, 0)
    print("gone", flush=True)
"""


def test_round_trip_keeps_types_shapes_and_names(tmp_path):
    arrays = {
        "scalar": np.array(3.5), "empty": np.zeros((0, 4)), "bits": np.array([True, False]),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "small": np.arange(4, dtype=np.float32),
    }  # fmt: skip
    facts = {"genes": ["TP53", "β-actin/x"], "n": 3, "none": None}
    write_state(tmp_path / "state", arrays, facts)
    back, told = read_state(tmp_path / "state")
    assert told == facts
    assert set(back) == set(arrays)
    for name, array in arrays.items():
        assert back[name].dtype == array.dtype
        np.testing.assert_array_equal(back[name], array, strict=True)


def test_every_altered_byte_is_noticed(tmp_path):
    path = tmp_path / "state"
    write_state(path, {"a": np.arange(8.0)}, {"n": 1})
    content = path.read_bytes()
    for position in range(len(content)):
        path.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        try:
            arrays, facts = read_state(path)
        except IntegrityError:
            continue
        # Only a byte that carries nothing, such as padding of the header, may pass.
        np.testing.assert_array_equal(arrays["a"], np.arange(8.0), strict=True)
        assert facts == {"n": 1}


@pytest.mark.parametrize("length", [0, 4, 40, -1])
def test_truncated_file(tmp_path, length):
    path = tmp_path / "state"
    write_state(path, {"a": np.arange(8.0)}, {})
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(IntegrityError, match="damaged") as caught:
        read_state(path)
    assert caught.value.where == str(path)


def test_missing_file_and_foreign_file(tmp_path):
    with pytest.raises(IntegrityError, match="no such file"):
        read_state(tmp_path / "absent")
    (tmp_path / "foreign").write_text("not a state")
    with pytest.raises(IntegrityError, match="not written by pajamo"):
        read_state(tmp_path / "foreign")
    with pytest.raises(IntegrityError):
        read_state(tmp_path)


@pytest.fixture
def small_files():
    """Let no file grow beyond 4 kB, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_full_disk_keeps_the_earlier_state(tmp_path, small_files):
    write_state(tmp_path / "state", {"a": np.arange(4.0)}, {"n": 1})
    with pytest.raises(StorageError, match="could not be written"):
        write_state(tmp_path / "state", {"a": np.zeros(10_000)}, {"n": 2})
    arrays, facts = read_state(tmp_path / "state")
    assert facts == {"n": 1}
    np.testing.assert_array_equal(arrays["a"], np.arange(4.0))
    assert os.listdir(tmp_path) == ["state"]


def test_full_disk_is_named(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        from safetensors import SafetensorError

        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("pajamo.training.checkpoints.save_file", refuse)
    with pytest.raises(StorageError, match="disk is full"):
        write_state(tmp_path / "state", {}, {})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_kill_at_any_moment_leaves_a_whole_state(tmp_path):
    path = tmp_path / "state"
    write_state(path, {"a": np.full(20_000, 0), "b": np.full(20_000, 0)}, {"n": 0})
    rng = np.random.default_rng(0)
    seen = set()
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        for kill in range(KILLS):
            print(kill + 1, file=writer.stdin, flush=True)
            child = int(writer.stdout.readline())
            time.sleep(rng.uniform(0.0, 0.03))
            os.kill(child, signal.SIGKILL)
            assert writer.stdout.readline() == "gone\n"
            arrays, facts = read_state(path)
            assert (arrays["a"] == facts["n"]).all()
            assert (arrays["b"] == -facts["n"]).all()
            seen.add(facts["n"])
        writer.stdin.close()
    assert len(seen) > KILLS // 4, "the writers were killed before they wrote anything"
