"""Settings: strict, frozen, and the only place that parses what a user wrote."""

from pajamo.config.protocol import ProtocolSettings, StepSettings
from pajamo.config.strict import Config, parse
from pajamo.config.study import (
    BuiltIn,
    DataSettings,
    EvaluationSettings,
    ModelsSettings,
    PriorSettings,
    SplitSettings,
    Study,
    parse_any_study,
    parse_study,
    read_study,
)

__all__ = [
    "BuiltIn",
    "Config",
    "DataSettings",
    "EvaluationSettings",
    "ModelsSettings",
    "PriorSettings",
    "ProtocolSettings",
    "SplitSettings",
    "StepSettings",
    "Study",
    "parse",
    "parse_any_study",
    "parse_study",
    "read_study",
]
