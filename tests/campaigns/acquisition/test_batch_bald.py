"""BatchBALD against the joint entropy written out."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from pajamo.campaigns.acquisition.bald import Bald
from pajamo.campaigns.acquisition.batch_bald import BatchBald, JointResults
from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.predictive import ClassPredictive
from pajamo.campaigns.situation import Situation
from pajamo.errors import StudyError


def situation_of(members: np.ndarray, seed: int = 0) -> Situation:
    size = members.shape[1]
    return Situation(
        np.zeros((size, 1)),
        np.ones(size, bool),
        ClassPredictive(members),
        rng=np.random.default_rng(seed),
    )


def entropy(probabilities: np.ndarray) -> float:
    kept = probabilities[probabilities > 0]
    return float(-(kept * np.log(kept)).sum())


def joint_information(members: np.ndarray, rows: list[int]) -> float:
    """H[y_1 ... y_b] - mean over members of H[y_1 ... y_b | member], by every possible joint result."""
    classes = members.shape[2]
    table = np.array(
        [
            [
                np.prod([member[row, shown] for row, shown in zip(rows, result, strict=True)])
                for member in members
            ]
            for result in product(range(classes), repeat=len(rows))
        ]
    )
    return entropy(table.mean(axis=1)) - float(np.mean([entropy(column) for column in table.T]))


def some_members(seed: int, members: int = 5, size: int = 7, classes: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(0.4 * np.ones(classes), (members, size))


@pytest.mark.parametrize("seed", range(4))
def test_gains_add_up_to_the_joint_information(seed: int) -> None:
    members = some_members(seed)
    selection = choose_batch(BatchBald(), situation_of(members), 4)
    for number in range(1, 5):
        rows = selection.rows[:number].tolist()
        assert selection.gains[:number].sum() == pytest.approx(joint_information(members, rows))


@pytest.mark.parametrize("seed", range(4))
def test_lazy_choice_is_the_greedy_choice(seed: int) -> None:
    members = some_members(seed + 10, size=200, members=4)
    situation = situation_of(members)
    chosen = choose_batch(BatchBald(), situation, 3).rows.tolist()
    batch: list[int] = []
    for _ in range(3):
        left = [row for row in range(200) if row not in batch]
        batch.append(max(left, key=lambda row: joint_information(members, [*batch, row])))
    assert chosen == batch


def test_gains_fall() -> None:
    gains = choose_batch(BatchBald(), situation_of(some_members(5, size=40)), 5).gains
    assert (np.diff(gains) <= 1e-12).all()


def test_a_duplicate_is_chosen_by_bald_and_not_by_batch_bald() -> None:
    same = np.array([[0.99, 0.01], [0.01, 0.99], [0.99, 0.01], [0.01, 0.99]])
    other = np.array([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.1, 0.9]])
    members = np.stack([same, same, same, other], axis=1)
    assert set(choose_batch(Bald(), situation_of(members), 2).rows) <= {0, 1, 2}
    rows = choose_batch(BatchBald(), situation_of(members), 2).rows.tolist()
    assert rows[1] == 3
    assert joint_information(members, rows) > joint_information(members, [0, 1])


def test_a_pending_candidate_is_a_member_of_the_batch() -> None:
    members = some_members(7)
    situation = situation_of(members)
    first = choose_batch(BatchBald(), situation, 3)
    available = situation.available.copy()
    available[first.rows[0]] = False
    waiting = replace(situation, available=available, pending=first.rows[:1])
    rest = choose_batch(BatchBald(), waiting, 2)
    assert rest.rows.tolist() == first.rows[1:].tolist()
    assert rest.gains == pytest.approx(first.gains[1:])


def test_drawn_results_come_near_to_all_results() -> None:
    members = some_members(3, members=8, size=12)
    exact = choose_batch(BatchBald(configurations=3**6), situation_of(members), 6)
    found = [choose_batch(BatchBald(configurations=60), situation_of(members, seed), 6) for seed in range(20)]
    total = np.array([one.gains.sum() for one in found])
    assert total.mean() == pytest.approx(exact.gains.sum(), rel=0.03)
    reached = [joint_information(members, one.rows.tolist()) for one in found[:4]]
    assert min(reached) > 0.97 * exact.gains.sum()


def test_drawn_results_are_unbiased() -> None:
    members = some_members(8, members=6, size=6)
    exact = JointResults(ClassPredictive(members), 10**6, np.random.default_rng(0))
    for row in range(5):
        exact.add(row)
    assert exact.exact
    wanted = exact.information(np.array([5]))[0]
    found = []
    for seed in range(300):
        drawn = JointResults(ClassPredictive(members), 16, np.random.default_rng(seed))
        for row in range(5):
            drawn.add(row)
        assert not drawn.exact
        assert drawn.weights.sum() == pytest.approx(1.0)
        found.append(drawn.information(np.array([5]))[0])
    assert np.mean(found) == pytest.approx(wanted, abs=4 * np.std(found) / np.sqrt(300))


def test_sure_members_stay_exact_whatever_the_batch() -> None:
    # Fully grown trees are sure: there are never more joint results than trees, and no more than log(trees) to learn.
    trees = np.eye(10)[np.random.default_rng(0).integers(0, 10, (20, 60))]
    joint = JointResults(ClassPredictive(trees), 20, np.random.default_rng(0))
    for row in range(30):
        joint.add(row)
    assert joint.exact
    selection = choose_batch(BatchBald(configurations=20), situation_of(trees), 30)
    assert selection.gains.sum() == pytest.approx(np.log(20))
    assert len(set(selection.rows)) == 30


def test_the_same_generator_gives_the_same_batch() -> None:
    members = some_members(2, size=100, classes=4)
    one, two = (choose_batch(BatchBald(configurations=50), situation_of(members, 5), 8) for _ in range(2))
    assert np.array_equal(one.rows, two.rows)
    assert np.array_equal(one.gains, two.gains)


def test_parts_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    members = some_members(6, size=90)
    whole = choose_batch(BatchBald(), situation_of(members), 4)
    monkeypatch.setattr("pajamo.campaigns.acquisition.batch_bald.MOST_NUMBERS", 50)
    parts = choose_batch(BatchBald(), situation_of(members), 4)
    assert np.array_equal(whole.rows, parts.rows)
    assert parts.gains == pytest.approx(whole.gains)


def test_settings_and_words() -> None:
    with pytest.raises(StudyError, match="configurations"):
        BatchBald(configurations=0)
    selection = choose_batch(BatchBald(), situation_of(some_members(1)), 2)
    assert "beyond" not in BatchBald().why(selection, 0)
    assert "beyond what those before it tell" in BatchBald().why(selection, 1)


def test_a_shortlist_gives_the_whole_pools_batch_while_its_bound_holds() -> None:
    rng = np.random.default_rng(9)
    telling = rng.dirichlet(0.1 * np.ones(3), (6, 20))
    alike = np.tile(rng.dirichlet(5 * np.ones(3), 100), (6, 1, 1))
    members = np.concatenate([alike, telling], axis=1)
    whole, short = (choose_batch(BatchBald(shortlist=size), situation_of(members), 3) for size in (120, 20))
    assert np.array_equal(whole.rows, short.rows)
    assert short.gains.min() > np.sort(short.scores)[::-1][20]


def test_once_the_members_are_told_apart_the_most_telling_by_themselves_follow() -> None:
    rng = np.random.default_rng(1)
    members = np.eye(2)[rng.integers(0, 2, (4, 300))]
    selection = choose_batch(BatchBald(), situation_of(members), 40)
    assert selection.gains[:2] == pytest.approx([np.log(2), np.log(2)])
    assert (selection.gains[2:] == 0.0).all()
    assert (selection.scores[selection.rows] == selection.scores.max()).all()
