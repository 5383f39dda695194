"""A transfer as arrays and facts, from which it is put together again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from pajamo.config import parse
from pajamo.config.assays import PAIRS, AssayStudy, TransferSettings
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.errors import IntegrityError, UserError
from pajamo.models.assays.frame import Frame
from pajamo.models.transfer.building import new_network
from pajamo.models.transfer.calibration import Calibration
from pajamo.models.transfer.model import TransferModel

Arrays = dict[str, "np.ndarray"]
Facts = dict[str, Any]


def state(model: TransferModel) -> Arrays:
    """Every number of every member, by its number and name."""
    return {
        f"{number}.{name}": values.numpy()
        for number, member in enumerate(model.members)
        for name, values in member.state_dict().items()
    }


def facts(model: TransferModel) -> Facts:
    """What the arrays mean: declarations, tables, and what is needed to read pairs."""
    alphabet = model.frame.alphabet
    assert isinstance(alphabet, PairAlphabet)
    return {
        "settings": model.settings.model_dump(mode="json"),
        "mechanisms": {name: m.model_dump(mode="json") for name, m in model.mechanisms.items()},
        "experiments": {name: e.model_dump(mode="json") for name, e in model.experiments.items()},
        "of": list(model.of),
        "calibration": {name: [c.slope, c.offset] for name, c in model.calibration.items()},
        "notes": list(model.notes),
        "pam": alphabet.pam,
        "wild_type": model.frame.wild_type,
        "length": model.frame.length,
        "varies": model.frame.varies,
    }


def restore(arrays: Mapping[str, np.ndarray], known: Facts, where: str) -> TransferModel:
    """Put a transfer together from what `state` and `facts` gave; it predicts the same bits.

    Raises
    ------
    IntegrityError: arrays and facts do not belong together.
    """
    try:
        frame = Frame(PairAlphabet(pam=known["pam"]), known["wild_type"], known["length"], known["varies"])
        asked = {"experiments": known["experiments"], "mechanisms": known["mechanisms"]}
        study = parse(AssayStudy, {"name": "saved", "alphabet": PAIRS, **asked}, where)
        settings = parse(TransferSettings, known["settings"], where)
        members = []
        for number, name in enumerate(known["of"]):
            member = new_network(study.mechanisms[name], settings, frame, study.experiments)
            held = {
                key.partition(".")[2]: torch.from_numpy(np.array(values))
                for key, values in arrays.items()
                if key.partition(".")[0] == str(number)
            }
            member.load_state_dict(held)
            members.append(member.eval())
    except (KeyError, TypeError, RuntimeError, UserError) as error:
        raise IntegrityError(
            "the file does not hold a whole transfer",
            where=where,
            why=" ".join(str(error).split())[:300],
            fix="train it again, or read it with the version of pajamo that wrote it",
        ) from error
    return TransferModel(
        settings,
        study.experiments,
        study.mechanisms,
        frame,
        tuple(members),
        tuple(known["of"]),
        {name: Calibration(*line) for name, line in known["calibration"].items()},
        tuple(known["notes"]),
    )
