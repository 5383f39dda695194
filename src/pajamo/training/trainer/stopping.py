"""Reasons to stop before the end: a signal of the machine's manager, or the time that was allowed."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
"""What job managers send some time before they kill: the step is finished, saved, and the process leaves."""


class Stopping:
    """Listens for signals while used as a context, and keeps the time.

    Parameters
    ----------
    minutes: that are allowed; None for no limit.
    """

    def __init__(self, minutes: float | None) -> None:
        self._end = None if minutes is None else time.monotonic() + 60 * minutes
        self._before: dict[signal.Signals, Any] = {}
        self.signalled = False

    def __enter__(self) -> Self:
        # Python hands signals to its main thread only.
        if threading.current_thread() is threading.main_thread():
            self._before = {one: signal.signal(one, self._note) for one in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one, handler in self._before.items():
            signal.signal(one, handler)

    @property
    def late(self) -> bool:
        """Whether the time is over."""
        return self._end is not None and time.monotonic() >= self._end

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.signalled = True
