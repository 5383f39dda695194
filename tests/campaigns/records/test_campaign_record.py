"""A campaign on record: rounds, results as they arrive, kills, two writers, replay."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pajamo.campaigns.proposal import Choice, Proposal
from pajamo.campaigns.records import Campaign
from pajamo.campaigns.state import State
from pajamo.errors import DataError, IntegrityError, StorageError, StudyError

NAMES = [f"gene{n}" for n in range(20)]


def chooser(number: int = 3, replicates: int = 1) -> Callable[[State], Proposal]:
    """Chooses at random among what is neither measured nor pending, and says so."""

    def make(state: State) -> Proposal:
        rng = np.random.default_rng(state.seed)
        taken = {one.candidate for one in state.results} | set(state.pending) | set(state.withdrawn)
        free = [name for name in NAMES if name not in taken]
        order = rng.permutation(len(free))
        choices = tuple(
            Choice(
                free[n], gain=float(rng.random()), score=float("nan"), why="drawn", cost=10.0,
                allocation={"replicates": replicates}, mean=(float(rng.normal()),), deviation=(1.0,),
            )
            for n in order[:number]
        )  # fmt: skip
        return Proposal(
            choices=choices, runners_up=(), unit="nats", expected=1.0, at_random=None, random_deviation=None,
            cost={"cells": 30.0, "lane": 100.0}, acquisition="random", model="none", fingerprint="", data="d",
            outputs=("growth",), notes=("a note",),
        )  # fmt: skip

    return make


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    return Campaign.create(tmp_path / "c.sqlite", {"name": "test", "seed": 7}, NAMES, "d", ["growth"])


def results(names: list[str], values: list[float], **columns: object) -> pd.DataFrame:
    return pd.DataFrame({"candidate": names, "growth": values, **columns})


def test_a_round_is_read_back_as_it_was_proposed(campaign: Campaign) -> None:
    kept = campaign.propose(chooser())
    read = Campaign.open(campaign.path).rounds()
    assert repr(read) == repr([kept])
    assert kept.number == 1
    assert kept.proposal.total_cost == 130.0
    assert np.isnan(kept.proposal.choices[0].score)


def test_results_arrive_partly_and_out_of_order(campaign: Campaign) -> None:
    first = campaign.propose(chooser()).proposal.candidates
    second = campaign.propose(chooser()).proposal.candidates
    assert campaign.state().pending == first + second
    received = campaign.record(results([second[1], first[2]], [0.5, np.nan]))
    assert (received.measured, received.failed, received.unexpected) == (1, 1, 0)
    state = campaign.state()
    assert state.pending == (*first[:2], second[0], second[2])
    assert state.failed == (first[2],)
    assert [(one.candidate, one.round, one.values) for one in state.results] == [
        (second[1], 2, {"growth": 0.5})
    ]
    assert state.spent == 260.0


def test_a_failed_candidate_may_be_proposed_again_and_fail_again(campaign: Campaign) -> None:
    name = NAMES[4]

    def again(state: State) -> Proposal:
        made = chooser(1)(state)
        one = made.choices[0]
        fixed = Choice(name, one.gain, one.score, one.why, one.cost)
        return Proposal(**{**vars(made), "choices": (fixed,)})

    campaign.propose(again)
    campaign.record(results([name], [np.nan]))
    campaign.propose(again)
    assert campaign.state().pending == (name,)
    assert campaign.state().failed == ()
    # The same table again says nothing new; the round tells the second failure from the first.
    assert campaign.record(results([name], [np.nan])).repeated == 1
    campaign.record(results([name], [np.nan], round=[2]))
    assert campaign.state().pending == ()
    assert campaign.state().failed == (name,)
    campaign.record(results([name], [2.0]))
    assert campaign.state().failed == ()


def test_as_many_results_are_awaited_as_replicates(campaign: Campaign) -> None:
    name = campaign.propose(chooser(1, replicates=2)).proposal.candidates[0]
    campaign.record(results([name], [1.0], replicate=[1]))
    assert campaign.state().pending == (name,)
    campaign.record(results([name, name], [1.0, 1.2], replicate=[1, 2]))
    assert campaign.state().pending == ()
    assert [one.values["growth"] for one in campaign.state().results] == [1.0, 1.2]


def test_a_withdrawn_candidate_is_not_awaited_nor_paid(campaign: Campaign) -> None:
    name = campaign.propose(chooser()).proposal.candidates[1]
    campaign.record(results([name], [np.nan], status=["withdrawn"]))
    state = campaign.state()
    assert name in state.withdrawn
    assert name not in state.pending
    assert state.spent == 120.0


def test_a_table_may_be_given_again_when_it_has_grown(campaign: Campaign) -> None:
    campaign.record(results(NAMES[:2], [1.0, 2.0]), "a.csv")
    received = campaign.record(results(NAMES[:3], [1.0, 2.0, 3.0]), "a.csv")
    assert (received.measured, received.repeated, received.unexpected) == (1, 2, 1)
    assert len(campaign.events()) == 3


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        (results([NAMES[0], NAMES[0]], [1.0, 2.0]), "disagree"),
        (results([NAMES[1], "genne3"], [1.0, 2.0]), "unknown candidate 'genne3'"),
        (results([NAMES[1]], [np.inf]), "infinite"),
        (results([NAMES[1]], [1.0], error=[-1.0]), "not above zero"),
        (results([NAMES[1]], [1.0], status=["lost"]), "status 'lost'"),
        (results([NAMES[1]], [np.nan], status=["measured"]), "gives no value"),
        (results([NAMES[1]], [1.0], round=[3]), "did not ask"),
        (results([NAMES[1]], ["high"]), "not a number"),  # type: ignore[list-item]
        (pd.DataFrame({"candidate": NAMES[:1], "grwth": [1.0]}), "no column 'growth'"),
    ],
)
def test_a_wrong_table_is_refused_as_a_whole(campaign: Campaign, table: pd.DataFrame, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        campaign.record(table, "r.csv")
    assert len(campaign.events()) == 0


def test_results_that_disagree_with_the_record_are_refused(campaign: Campaign) -> None:
    campaign.record(results(NAMES[:1], [1.0]), "a.csv")
    with pytest.raises(DataError, match="event 1") as caught:
        campaign.record(results([NAMES[5], NAMES[0]], [3.0, 1.5]), "b.csv")
    assert "b.csv, row 2" in caught.value.where
    assert "replicate" in caught.value.fix
    assert len(campaign.events()) == 1
    campaign.record(results(NAMES[:1], [1.5], replicate=["second"]))
    assert len(campaign.state().results) == 2


def test_errors_are_kept_by_output(campaign: Campaign) -> None:
    campaign.record(results(NAMES[:2], [1.0, 2.0], error=[0.1, np.nan]))
    assert [dict(one.errors) for one in campaign.state().results] == [{"growth": 0.1}, {}]


def test_a_round_is_replayed_to_the_bit_after_results_came_in(campaign: Campaign) -> None:
    first = campaign.propose(chooser())
    campaign.record(results(list(first.proposal.candidates), [1.0, 2.0, 3.0]))
    campaign.propose(chooser())
    assert campaign.replay(1, chooser()) == []
    assert campaign.replay(2, chooser()) == []
    assert any("2 now" in line for line in campaign.replay(2, chooser(2)))
    with pytest.raises(StudyError, match="no round 5"):
        campaign.state(5)


def test_the_second_of_two_writers_is_told(campaign: Campaign) -> None:
    def slow(state: State) -> Proposal:
        campaign.propose(chooser())
        return chooser()(state)

    with pytest.raises(StudyError, match="another process proposed round 1"):
        campaign.propose(slow)
    assert len(campaign.rounds()) == 1


def test_results_that_arrive_while_choosing_enter_the_next_round(campaign: Campaign) -> None:
    def slow(state: State) -> Proposal:
        campaign.record(results(NAMES[:1], [1.0]))
        return chooser()(state)

    assert campaign.propose(slow).known == 0
    assert campaign.state(1).results == ()
    assert len(campaign.state().results) == 1
    assert campaign.replay(1, chooser()) == []


def test_a_writer_waits_and_then_says_that_another_one_writes(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pajamo.campaigns.records.store.PATIENCE", 0.05)
    with campaign.store.writing(), pytest.raises(StorageError, match="another process is writing"):
        campaign.record(results(NAMES[:1], [1.0]))
    assert len(campaign.events()) == 0


def test_a_proposal_of_a_stranger_is_refused_whole(campaign: Campaign) -> None:
    def make(state: State) -> Proposal:
        made = chooser()(state)
        return Proposal(**{**vars(made), "choices": (*made.choices, Choice("stranger", 1.0, 1.0, "?"))})

    with pytest.raises(DataError, match="'stranger' is not a candidate"):
        campaign.propose(make)
    assert campaign.rounds() == []


def test_files_that_are_no_campaign_are_refused(tmp_path: Path, campaign: Campaign) -> None:
    with pytest.raises(StudyError, match="no such campaign"):
        Campaign.open(tmp_path / "none.sqlite")
    with pytest.raises(StudyError, match="a file of that name"):
        Campaign.create(campaign.path, {}, NAMES, "d", ["growth"])
    text = tmp_path / "text.sqlite"
    text.write_text("name,value\n" * 200, encoding="utf-8")
    with pytest.raises(IntegrityError, match="not a campaign"):
        Campaign.open(text)
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE t (x)")
    with pytest.raises(IntegrityError, match="not a campaign"):
        Campaign.open(other)


def test_a_newer_version_is_refused(campaign: Campaign) -> None:
    with sqlite3.connect(campaign.path) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(IntegrityError, match="newer pajamo"):
        Campaign.open(campaign.path)


def test_a_damaged_file_is_told(campaign: Campaign) -> None:
    campaign.propose(chooser())
    with sqlite3.connect(campaign.path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(campaign.path.read_bytes())
    for place in range(4096, len(content), 4096):
        content[place : place + 300] = os.urandom(300)
    campaign.path.write_bytes(content)
    with pytest.raises(IntegrityError, match="damaged"):
        Campaign.open(campaign.path)


@pytest.mark.parametrize(("names", "complaint"), [([], "empty"), (["a", "b", "a"], "'a' stands twice")])
def test_pools_that_are_none(tmp_path: Path, names: list[str], complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        Campaign.create(tmp_path / "c.sqlite", {}, names, "d", ["growth"])
    assert not (tmp_path / "c.sqlite").exists()


KILLED = """
import sys
import pandas as pd
from pajamo.campaigns.records import Campaign

campaign = Campaign.open(sys.argv[1])
for n in range(10_000):
    rows = pd.DataFrame({"candidate": [f"gene{k}" for k in range(20)], "growth": [float(n)] * 20, "replicate": n})
    campaign.record(rows)
    print(n, flush=True)
"""


def test_a_killed_writer_leaves_whole_tables(campaign: Campaign) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(campaign.path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(5)]
    time.sleep(0.013)
    process.send_signal(signal.SIGKILL)
    said += process.stdout.read().split()
    process.stdout.close()
    process.wait()
    events = Campaign.open(campaign.path).events()
    written = events.groupby("replicate").size()
    assert (written == len(NAMES)).all()
    assert len(written) >= int(said[-1]) + 1
    assert json.loads(events["value"].iloc[-1]) == {"growth": float(len(written) - 1)}
    campaign.record(results(NAMES[:1], [1.0]))


def test_two_processes_write_at_the_same_time(campaign: Campaign) -> None:
    code = KILLED.replace("10_000", "8").replace('"replicate": n', '"replicate": f"{sys.argv[2]}-{n}"')
    both = [
        subprocess.Popen([sys.executable, "-c", code, str(campaign.path), name], stdout=subprocess.DEVNULL)
        for name in ("a", "b")
    ]
    assert [one.wait() for one in both] == [0, 0]
    assert len(campaign.events()) == 2 * 8 * len(NAMES)


def test_a_full_disk_leaves_the_last_whole_state(campaign: Campaign) -> None:
    campaign.propose(chooser())
    with sqlite3.connect(campaign.path) as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]

    inner = campaign.store._prepare

    def small(connection: sqlite3.Connection) -> None:
        inner(connection)
        connection.execute(f"PRAGMA max_page_count = {pages}")

    campaign.store._prepare = small  # type: ignore[method-assign]
    many = pd.concat([results(NAMES, [1.0] * 20, replicate=n) for n in range(200)])
    with pytest.raises(StorageError, match="could not be written"):
        campaign.record(many)
    again = Campaign.open(campaign.path)
    assert len(again.rounds()) == 1
    assert len(again.events()) == 0


def test_what_is_known_before_the_first_round_is_there_from_the_beginning(tmp_path: Path) -> None:
    known = results(NAMES[:2], [1.0, 2.0])
    campaign = Campaign.create(tmp_path / "k.sqlite", {}, NAMES, "d", ["growth"], known)
    assert [(one.candidate, one.round) for one in campaign.state().results] == [
        (NAMES[0], None),
        (NAMES[1], None),
    ]
    with pytest.raises(DataError, match="unknown candidate"):
        Campaign.create(tmp_path / "w.sqlite", {}, NAMES, "d", ["growth"], results(["x"], [1.0]))
    assert list(tmp_path.glob("w.sqlite*")) == []
