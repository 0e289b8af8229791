"""What was forgotten of classes: accuracy with and without them, and attacks within them."""

from deepnet.metrics.by_class.accuracies import ClassAccuracies, class_accuracies, whole_classes
from deepnet.metrics.by_class.within import WithinClasses, attack_within_classes

__all__ = ["ClassAccuracies", "WithinClasses", "attack_within_classes", "class_accuracies", "whole_classes"]
