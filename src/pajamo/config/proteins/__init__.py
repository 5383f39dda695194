"""What a user declares to train a protein language model."""

from pajamo.config.proteins.fine_tuning import (
    FineTuningStudy,
    LabelSettings,
    LoraSettings,
    load_fine_tuning_study,
)
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
    "FineTuningStudy",
    "LabelSettings",
    "LoraSettings",
    "MaskingSettings",
    "OptimiserSettings",
    "ProteinDataSettings",
    "ProteinModelSettings",
    "ProteinSplitSettings",
    "ProteinStudy",
    "TrainingSettings",
    "VariantSettings",
    "load_fine_tuning_study",
    "load_protein_study",
]
