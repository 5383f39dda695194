"""Settings of an assay: sequences, what was recorded of each, and the mechanisms that are to explain it."""

from pajamo.config.assays.kinetic import (
    KineticSettings,
    PassageSettings,
    RLoopSettings,
    TransitionSettings,
)
from pajamo.config.assays.measurement import (
    BarcodeSettings,
    BinsSettings,
    ContinuousSettings,
    CutSettings,
    MeasurementSettings,
    RateSettings,
)
from pajamo.config.assays.mechanism import (
    LatentSettings,
    MechanismSettings,
    StateSettings,
    ThermodynamicSettings,
    declare,
    inputs_of,
    parse_mechanism,
)
from pajamo.config.assays.search import ChoiceSettings, SearchSettings
from pajamo.config.assays.sites import InteractionSettings, RegulatorSettings, SiteSettings
from pajamo.config.assays.study import (
    PAIRS,
    AssayStudy,
    EnzymeSettings,
    ExperimentSettings,
    PairSettings,
    parse_assay_study,
)
from pajamo.config.assays.transfer import TransferSettings

__all__ = [
    "PAIRS",
    "AssayStudy",
    "BarcodeSettings",
    "BinsSettings",
    "ChoiceSettings",
    "ContinuousSettings",
    "CutSettings",
    "EnzymeSettings",
    "ExperimentSettings",
    "InteractionSettings",
    "KineticSettings",
    "LatentSettings",
    "MeasurementSettings",
    "MechanismSettings",
    "PairSettings",
    "PassageSettings",
    "RLoopSettings",
    "RateSettings",
    "RegulatorSettings",
    "SearchSettings",
    "SiteSettings",
    "StateSettings",
    "ThermodynamicSettings",
    "TransferSettings",
    "TransitionSettings",
    "declare",
    "inputs_of",
    "parse_assay_study",
    "parse_mechanism",
]
