"""What a model says of candidates before they are measured, and how sure it is: one interface for every model."""

from pajamo.campaigns.predictive.base import Array, Predictive, Rows, ValuePredictive
from pajamo.campaigns.predictive.classes import ClassPredictive
from pajamo.campaigns.predictive.factor import FactorPredictive
from pajamo.campaigns.predictive.kernel import KernelPredictive
from pajamo.campaigns.predictive.sampled import SampledPredictive

__all__ = [
    "Array",
    "ClassPredictive",
    "FactorPredictive",
    "KernelPredictive",
    "Predictive",
    "Rows",
    "SampledPredictive",
    "ValuePredictive",
]
