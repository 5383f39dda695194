"""What a transfer leaves besides tables, and a complete one read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pandas as pd

from pajamo.config.assays import AssayStudy
from pajamo.data.atomic import write_json, write_text
from pajamo.data.run_folder import read_manifest
from pajamo.models.transfer.model import TransferModel
from pajamo.pipeline.assays.resolving import to_be_written
from pajamo.pipeline.identity import named_by_hash, versions
from pajamo.pipeline.run_record import RunRecord
from pajamo.pipeline.toml_text import to_toml
from pajamo.pipeline.transfer.loading import LoadedTransfer
from pajamo.pipeline.transfer.scoring import sentence

RUN_KIND: Final = "transfer"
FILE: Final = "models/transfer.safetensors"


@dataclass(frozen=True)
class TransferRun(RunRecord):
    """What a transfer left: the verdict, its tables, and the trained ensemble."""

    @cached_property
    def about(self) -> dict[str, Any]:
        """What was learned from, what was left out, and what there is to note."""
        return dict(json.loads((self.path / "about.json").read_text(encoding="utf-8")))

    @property
    def scores(self) -> pd.DataFrame:
        """Figures of every model on every set that no member was trained on."""
        return self.table("scores")

    @property
    def summary(self) -> pd.DataFrame:
        """The same as `scores`."""
        return self.scores

    def model(self) -> TransferModel:
        """The trained ensemble."""
        from pajamo.training.transfer.saved import load_transfer

        return load_transfer(self.path / FILE)


def is_transfer_run(folder: Path) -> bool:
    """Whether a complete run is a transfer.

    Raises
    ------
    IntegrityError: the folder is not a complete run.
    """
    return bool(read_manifest(folder).get("kind") == RUN_KIND)


def made_of(loaded: LoadedTransfer, seconds: float) -> dict[str, str]:
    """When, on which bytes, with which versions and seed a transfer was made."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": str(loaded.study.seed),
        **{f"{name} sha256": digest for name, digest in loaded.digests.items()},
        "split": named_by_hash("split", [[e.name, e.set_of.tolist()] for e in loaded.assay.experiments]),
        "seconds": f"{seconds:.1f}",
        **versions(),
    }


def write_about(
    loaded: LoadedTransfer,
    model: TransferModel,
    tables: Mapping[str, pd.DataFrame],
    made: Mapping[str, str],
    asked: AssayStudy,
    folder: Path,
) -> None:
    """Write the verdict, what the report says besides tables, and the study as resolved."""
    about = {
        "kind": RUN_KIND,
        "title": loaded.study.name,
        "settings": loaded.settings.model_dump(mode="json", exclude={"start"}),
        "tests": list(loaded.tests),
        "calibrated": sorted(model.calibration),
        "provenance": dict(made),
        "notes": [*loaded.notes, *model.notes],
    }
    write_json(folder / "about.json", about)
    write_json(folder / "verdict.json", {"sentence": sentence(tables)})
    write_text(folder / "study.toml", to_toml(to_be_written(loaded.study, asked)) + "\n")
