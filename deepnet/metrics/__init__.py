"""Metrics of a model: what its outputs and features say of the retain, forget and test set."""

from deepnet.metrics.accuracy import Score, score
from deepnet.metrics.agreement import Agreement, agreement, layer_distances, zero_retrain_score
from deepnet.metrics.by_class import (
    ClassAccuracies,
    WithinClasses,
    attack_within_classes,
    class_accuracies,
    whole_classes,
)
from deepnet.metrics.entanglement import Entanglement, measure_entanglement
from deepnet.metrics.feature_map import FeatureMap, feature_map
from deepnet.metrics.klom import Klom, klom, klom_null, stack_margins
from deepnet.metrics.likelihood_ratio import LikelihoodRatio, u_lira, u_lira_null
from deepnet.metrics.membership import Membership, gap, membership_inference
from deepnet.metrics.outputs import Outputs, collect
from deepnet.metrics.tug_of_war import (
    Accuracies,
    mean_tug_of_war,
    official_reference,
    tug_of_war,
    tug_of_war_membership,
)

__all__ = [
    "Accuracies", "Agreement", "ClassAccuracies", "Entanglement", "FeatureMap", "Klom", "LikelihoodRatio", "Membership",
    "Outputs", "Score", "WithinClasses", "agreement", "attack_within_classes", "class_accuracies", "collect",
    "feature_map", "gap", "klom", "klom_null", "layer_distances", "mean_tug_of_war", "measure_entanglement",
    "membership_inference", "official_reference", "score", "stack_margins", "tug_of_war", "tug_of_war_membership",
    "u_lira", "u_lira_null", "whole_classes", "zero_retrain_score",
]  # fmt: skip
