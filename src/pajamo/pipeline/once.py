"""A run is done once: an unfinished one goes on, a complete one is verified."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pajamo.data.run_folder import RunFolder, verify_run

Progress = Callable[[str], None]


def once(folder: RunFolder, work: Callable[[], None], progress: Progress) -> Path:
    """Do the work that completes a folder, unless it is complete; returns the folder's final place.

    Raises
    ------
    StorageError: another process is writing this run, or the disk refuses.
    IntegrityError: a complete run was altered.
    """
    if not folder.complete:
        with folder.writing():
            # Another process may have completed it while this one waited.
            if not folder.complete:
                work()
                return folder.path
    progress(f"this run is complete; {verify_run(folder.path)} files verified")
    return folder.path
