"""Methods that edit each weight by how much it matters to the forget set and to the rest."""

from deepnet.methods.importances.dampening import LossFreeDampening, SelectiveDampening
from deepnet.methods.importances.scrubbing import FisherForgetting

__all__ = ["FisherForgetting", "LossFreeDampening", "SelectiveDampening"]
