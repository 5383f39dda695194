"""A study of an assay with every table found, and the name that tells its runs apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pajamo.config.assays import AssayStudy, LatentSettings
from pajamo.data.public.datasets import resolve_experiment
from pajamo.pipeline.identity import digest, named_by_hash


def resolved_study(study: AssayStudy) -> AssayStudy:
    """The same study with the files and columns of the data sets that it names.

    Raises
    ------
    DataError: there is no such data set, or it is not on this machine.
    """
    experiments = {name: resolve_experiment(settings) for name, settings in study.experiments.items()}
    return study.model_copy(update={"experiments": experiments})


def assay_run_id(study: AssayStudy) -> str:
    """Name of the study and a hash; the same study on the same tables goes on in, or finds, the same folder.

    The bytes of tables and prior matrices count, not their places.

    Parameters
    ----------
    study: resolved.

    Raises
    ------
    StudyError: a file that the study names does not exist.
    """
    files = [digest(settings.path) for settings in study.experiments.values()]
    return named_by_hash(
        study.name, without_places(study), files + [digest(path) for path in _matrices(study)]
    )


def without_places(study: AssayStudy) -> dict[str, Any]:
    """Everything that a study says but where its files lie."""
    content = study.model_dump(mode="json")
    for experiment in content["experiments"].values():
        del experiment["path"], experiment["dataset"]
    for mechanism in content["mechanisms"].values():
        for site in mechanism.get("sites", {}).values():
            site["matrix"] = None if isinstance(site["matrix"], str) else site["matrix"]
    return content


def to_be_written(study: AssayStudy, asked: AssayStudy) -> dict[str, Any]:
    """The resolved study as a run keeps it: data sets by their names, other tables by their places."""
    content = study.model_dump(mode="json")
    for name, settings in study.experiments.items():
        dataset = asked.experiments[name].dataset
        place = None if dataset or settings.path is None else str(settings.path.resolve())
        content["experiments"][name] |= {"dataset": dataset, "path": place}
    return content


def _matrices(study: AssayStudy) -> Iterator[Path]:
    for mechanism in study.mechanisms.values():
        if not isinstance(mechanism, LatentSettings):
            yield from (site.matrix for site in mechanism.sites.values() if isinstance(site.matrix, Path))
