"""Settings of an assay: sequences, what was recorded of each, and the mechanisms that are to explain it."""

from pajamo.config.assays.measurement import (
    BarcodeSettings,
    BinsSettings,
    ContinuousSettings,
    CutSettings,
    MeasurementSettings,
    RateSettings,
)
from pajamo.config.assays.mechanism import (
    InteractionSettings,
    KineticSettings,
    LatentSettings,
    MechanismSettings,
    PassageSettings,
    RegulatorSettings,
    SiteSettings,
    StateSettings,
    ThermodynamicSettings,
    TransitionSettings,
    declare,
    inputs_of,
    parse_mechanism,
)
from pajamo.config.assays.study import PAIRS, AssayStudy, ExperimentSettings, PairSettings, parse_assay_study

__all__ = [
    "PAIRS",
    "AssayStudy",
    "BarcodeSettings",
    "BinsSettings",
    "ContinuousSettings",
    "CutSettings",
    "ExperimentSettings",
    "InteractionSettings",
    "KineticSettings",
    "LatentSettings",
    "MeasurementSettings",
    "MechanismSettings",
    "PairSettings",
    "PassageSettings",
    "RateSettings",
    "RegulatorSettings",
    "SiteSettings",
    "StateSettings",
    "ThermodynamicSettings",
    "TransitionSettings",
    "declare",
    "inputs_of",
    "parse_assay_study",
    "parse_mechanism",
]
