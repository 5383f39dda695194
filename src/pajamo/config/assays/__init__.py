"""Settings of an assay: sequences, what was recorded of each, and the mechanisms that are to explain it."""

from pajamo.config.assays.measurement import (
    BarcodeSettings,
    BinsSettings,
    ContinuousSettings,
    MeasurementSettings,
)
from pajamo.config.assays.mechanism import (
    InteractionSettings,
    KineticSettings,
    LatentSettings,
    MechanismSettings,
    RegulatorSettings,
    SiteSettings,
    StateSettings,
    ThermodynamicSettings,
    TransitionSettings,
    declare,
    inputs_of,
    parse_mechanism,
)
from pajamo.config.assays.study import AssayStudy, ExperimentSettings, parse_assay_study

__all__ = [
    "AssayStudy",
    "BarcodeSettings",
    "BinsSettings",
    "ContinuousSettings",
    "ExperimentSettings",
    "InteractionSettings",
    "KineticSettings",
    "LatentSettings",
    "MeasurementSettings",
    "MechanismSettings",
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
