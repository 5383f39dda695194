"""Noticing that another process is gone, and saying which: without this the others would wait for it for ever."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import torch.distributed as dist

from pajamo.errors import PajamoError, ProcessLost

T = TypeVar("T")

BEAT_SECONDS = 1.0
"""Between two signs of life of a process."""
DEAD_SECONDS = 4.0
"""Without a sign of life after which a process is dead, once a message to some process has failed."""
HUNG_SECONDS = 120.0
"""Without a sign of life after which a process is taken for dead though no message has failed."""
GRACE_SECONDS = 10.0
"""For the main thread to stop by itself; then the process is ended, because it may wait within a GPU library."""


class Watch:
    """Signs of life of all processes of a run, on the store by which they found one another.

    Parameters
    ----------
    address: host and port of the store.
    rank, world: number of this process, and of all.
    """

    def __init__(self, address: tuple[str, int], prefix: str, rank: int, world: int) -> None:
        # A connection of its own: one that waits for a key in the main thread must not stop the signs of life.
        connection = dist.TCPStore(*address, is_master=False, timeout=timedelta(seconds=30))
        self._store = dist.PrefixStore(f"{prefix}/watch", connection)
        self._lock = threading.Lock()
        self._store_gone = False
        self.rank, self.world = rank, world
        self._ended = threading.Event()
        self._store.add(f"beat/{rank}", 1)
        self._thread = threading.Thread(target=self._beat, name="signs of life", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """No more signs of life are needed."""
        self._ended.set()
        self._thread.join()

    def leave_word(self) -> None:
        """Before the process that keeps the store leaves because of an error: the others must be able to read why."""
        if self.rank == 0:
            time.sleep(3 * BEAT_SECONDS)

    def announce(self, error: BaseException) -> None:
        """Tell the other processes why this one stops."""
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        self._ask(lambda: self._store.set("lost", f"{self.rank}:{text}"))

    def lost(self, seconds: float = 3 * DEAD_SECONDS) -> ProcessLost | None:
        """After a failed message: which process is gone, or None if all give signs of life for so many seconds."""
        end = time.monotonic() + seconds
        before, since = self._beats(), time.monotonic()
        while time.monotonic() < end:
            time.sleep(BEAT_SECONDS)
            if said := self._said():
                return said
            now = self._beats()
            if now is None or before is None:
                return self._keeper()
            silent = [rank for rank in range(self.world) if now[rank] == before[rank]]
            if silent and time.monotonic() - since > DEAD_SECONDS:
                return self._accuse(silent[0], DEAD_SECONDS)
        return None

    def _beat(self) -> None:
        """Give signs of life, watch those of the next process, and end this process where nothing else can."""
        neighbour = (self.rank + 1) % self.world
        count, since = -1, time.monotonic()
        while not self._ended.wait(BEAT_SECONDS):
            self._ask(lambda: self._store.add(f"beat/{self.rank}", 1))
            now = self._ask(lambda: self._store.add(f"beat/{neighbour}", 0))
            if now is None:
                return self._leave(self._keeper())
            if now != count:
                count, since = now, time.monotonic()
            elif time.monotonic() - since > HUNG_SECONDS:
                self._accuse(neighbour, HUNG_SECONDS)
            if said := self._said():
                return self._leave(said)

    def _accuse(self, rank: int, seconds: float) -> ProcessLost:
        """Tell the others that a process gives no sign of life."""
        why = f"no sign of life for {seconds:.0f} s"
        self._ask(lambda: self._store.set("lost", f"{rank}:{why}"))
        return _lost(rank, self.world, why)

    def _leave(self, lost: ProcessLost) -> None:
        """Let the main thread stop by itself; if it cannot, it waits for a message that will never come."""
        if not self._ended.wait(GRACE_SECONDS):
            sys.stderr.write(f"{lost}\n")
            sys.stderr.flush()
            os._exit(PajamoError.exit_code)

    def _beats(self) -> list[int] | None:
        return self._ask(lambda: [self._store.add(f"beat/{rank}", 0) for rank in range(self.world)])

    def _said(self) -> ProcessLost | None:
        """What some process said of another, or of itself; None if it was said of this one."""
        if not self._ask(lambda: self._store.check(["lost"])):
            return None
        rank, _, text = (self._ask(lambda: self._store.get("lost").decode()) or f"{self.rank}:").partition(
            ":"
        )
        return None if int(rank) == self.rank else _lost(int(rank), self.world, text)

    def _ask(self, call: Callable[[], T]) -> T | None:
        """What the store says; None once it is gone, which torch prints pages about each time it is asked."""
        with self._lock:
            if self._store_gone:
                return None
            try:
                return call()
            except RuntimeError:
                self._store_gone = True
                return None

    def _keeper(self) -> ProcessLost:
        return _lost(0, self.world, "it kept the store by which processes meet, which is gone")


def _lost(rank: int, world: int, why: str) -> ProcessLost:
    return ProcessLost(
        f"process {rank} of {world} is gone, so this one stops",
        why=why,
        fix="look at what that process printed; the last checkpoint is kept: start the same command again",
    )
