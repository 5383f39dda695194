"""What a user declares to train a protein language model."""

from pajamo.config.proteins.model import SIZES, ProteinModelSettings
from pajamo.config.proteins.study import (
    MaskingSettings,
    ProteinDataSettings,
    ProteinSplitSettings,
    ProteinStudy,
    VariantSettings,
    load_protein_study,
)
from pajamo.config.proteins.training import OptimiserSettings, TrainingSettings

__all__ = [
    "SIZES",
    "MaskingSettings",
    "OptimiserSettings",
    "ProteinDataSettings",
    "ProteinModelSettings",
    "ProteinSplitSettings",
    "ProteinStudy",
    "TrainingSettings",
    "VariantSettings",
    "load_protein_study",
]
