"""Every acquisition by its name, and what is said of names and settings that there are not."""

import pytest

from pajamo.campaigns.acquisition.base import Acquisition
from pajamo.campaigns.acquisition.registry import acquisition, by_goal, card, find, names
from pajamo.errors import StudyError


@pytest.mark.parametrize("name", names())
def test_every_name_is_the_name_of_its_class_and_has_a_source(name):
    kind = find(name)
    assert issubclass(kind, Acquisition)
    found = card(name)
    assert found.name == kind.name == name
    assert found.source
    assert len(found.about) > 10


def test_settings_are_keyword_arguments():
    assert acquisition("lcmd", space="posterior").space == "posterior"
    assert acquisition("typiclust", neighbours=5).neighbours == 5
    assert by_goal("hits").goal == "hits"
    assert card("typiclust").settings == {"most_clusters": 500, "neighbours": 20}


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("typi-clust", {}, "did you mean 'typiclust'"),
        ("lcmd", {"spaces": "posterior"}, "did you mean 'space'"),
        ("core-set", {"metric": "cosine"}, "no settings"),
        ("graph-coverage", {}, "needs similarity"),
        ("default", {"goal": "hit"}, "did you mean 'hits'"),
    ],
)
def test_what_there_is_not_is_refused_with_the_nearest(name, settings, said):
    with pytest.raises(StudyError, match=said):
        acquisition(name, **settings)
