"""The [search] table of a study: which schemes, windows and maps are tried, how, and what counts as good."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from pajamo.config.assays.reading import PairMap
from pajamo.config.strict import Config

Range = tuple[int, int]


class ChoiceSettings(Config):
    """What may vary in the reading of one transition."""

    start: Range | None = None
    """First and last start of its window; as declared if not given."""
    length: Range | None = None
    """Shortest and longest window; as declared if not given."""
    kernel: tuple[int, ...] = ()
    """Spans of its kernel; as declared if none is given."""
    encoder: tuple[PairMap, ...] = ()
    """Maps; as declared if none is given."""
    changes: tuple[Literal["to", "kind"], ...] = ()
    """Ways of telling substitutions apart; as declared if none is given."""

    @model_validator(mode="after")
    def _ranges_rise(self) -> Self:
        for name in ("start", "length"):
            given = getattr(self, name)
            if given is not None and not (name == "length") <= given[0] <= given[1]:
                raise ValueError(f"`{name}` is a range: the least and the greatest, in this order")
        return self


class SearchSettings(Config):
    """A search over kinetic hypotheses; the test set takes no part in it."""

    mechanisms: tuple[str, ...] = ()
    """Declared mechanisms among which is chosen; all of the study's if neither these nor `cycles` are given."""
    cycles: tuple[int, ...] = ()
    """Numbers of states: for each a cycle is added, from unbound over R-loop states to a cut that starts anew."""
    choices: dict[str, dict[str, ChoiceSettings]] = Field(default_factory=dict)
    """By mechanism and transition, what may vary."""
    method: Literal["estimation", "random", "halving"] = "estimation"
    """Sample from a distribution that is estimated from the best so far; from all alike; or train many a little and
    the better half of them on."""
    evaluations: int = Field(default=600, ge=1)
    """Candidates that are trained."""
    generation: int = Field(default=24, ge=2)
    """Candidates that are trained at a time."""
    buffer: int = Field(default=400, ge=10)
    """Latest candidates from which the distribution is estimated."""
    steps: int = Field(default=30, ge=1)
    """Most second-order steps of a candidate; each takes all rows."""
    reward: Literal["evidence", "pearson", "likelihood"] = "evidence"
    """What counts: how likely the training set is under a candidate with all its possible weights (Laplace), which
    needs no rows kept aside; or, on rows that it has not seen, correlation or the mean of ln p."""
    inner: Literal["pair", "place", "guide"] = "place"
    """How rows are kept aside within the training set: by the pair; by the place of its changes, so that what is
    learned of some positions has to hold at others, as for another guide; or by the guide."""
    folds: int = Field(default=3, ge=2)
    """Into how many parts they are divided; each is kept aside once."""
    members: int = Field(default=8, ge=1)
    """Best candidates that are fitted to the whole training set and averaged."""
    executor: Literal["here", "processes", "ray"] = "here"
    """Where candidates are trained: in this process, in several on this machine, or on a Ray cluster."""
    workers: int = Field(default=2, ge=1)
    """Processes, or Ray tasks at a time."""
