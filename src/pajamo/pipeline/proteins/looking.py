"""What is looked at while a protein model trains: hidden residues kept aside, and measured variants."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy import stats
from torch import Tensor, nn

from pajamo.data.proteins.variants import Variants
from pajamo.models.proteins.language_model import ProteinLanguageModel
from pajamo.models.proteins.variants import score_variants
from pajamo.pipeline.proteins.loading import LoadedProteins
from pajamo.training.proteins.language import LanguageTask
from pajamo.training.streams.packs import PackPlan
from pajamo.training.trainer.validation import Trained


class Looking:
    """Called now and then by every process of a training; packs and tables are shared out over them.

    Parameters
    ----------
    model: what is trained.
    loaded: with the proteins that validate, and the variants.
    device: of this process.
    """

    def __init__(self, model: ProteinLanguageModel, loaded: LoadedProteins, device: torch.device) -> None:
        self._task = LanguageTask(model, loaded.kept("validation"))
        self._plans = list(self._task.stream.once())
        self._variants, self._device = loaded.variants, device

    def __call__(self, trained: Trained) -> dict[str, float]:
        """Nats a hidden residue, perplexity, and rank correlations of wild-type marginals with measured variants."""
        nats, asked = trained.summed(self._plans, self._nats_and_asked).tolist()
        found = {"nats": nats / asked, "perplexity": math.exp(nats / asked)}
        for name, variants in self._variants.items():
            said = trained.summed([variants], _said).numpy()
            found[f"spearman {name}"] = _correlation(said, variants.scores)
        return found

    def _nats_and_asked(self, module: nn.Module, plan: PackPlan) -> Tensor:
        micro = self._task.micro_batch(plan, self._device)
        asked = torch.tensor(float(self._task.weight(micro)), dtype=torch.float64)
        return torch.stack([self._task.loss(module, micro).double().cpu(), asked])


def _said(module: nn.Module, variants: Variants) -> Tensor:
    assert isinstance(module, ProteinLanguageModel)
    return torch.from_numpy(score_variants(module, variants.wild_type, variants.substitutions, "wild-type"))


def _correlation(said: np.ndarray, measured: np.ndarray) -> float:
    """Spearman's; 0 where a model says the same of all."""
    found = float(stats.spearmanr(said, measured).statistic) if np.ptp(said) else 0.0
    return found if math.isfinite(found) else 0.0
