"""A process that starts `pajamo run` in forked children, so that each killed run does not pay for the imports.

Reads one line of JSON a run: study, runs, log, and optionally `kill_after` (seconds) and `largest` (bytes of a
file); answers with the child's exit code, or minus the signal that ended it. Started by conftest.py.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from typing import Any

import pajamo.pipeline.run
from pajamo import cli
from pajamo.models.registry import models

# What is killed is the run; drawing its page takes most of a tiny run's time and is tested elsewhere.
pajamo.pipeline.run.render_report = lambda content: content.verdict.sentence


models()  # imported once here, not in every child


def child(order: dict[str, Any]) -> None:
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if order["largest"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["largest"], resource.RLIM_INFINITY))
    sys.argv = ["pajamo", "run", order["study"], "--runs", order["runs"]]
    cli.main()


for line in sys.stdin:
    given = json.loads(line)
    number = os.fork()
    if number == 0:
        child(given)
    if given["kill_after"] is not None:
        time.sleep(given["kill_after"])
        os.kill(number, signal.SIGKILL)  # one that has ended keeps its number until it is waited for
    print(os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]), flush=True)
