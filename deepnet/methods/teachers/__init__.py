"""Methods that are taught: by the pretrained model, by a bad one, by wrong labels or by noise."""

from deepnet.methods.teachers.anchored import AnchoredNegGrad
from deepnet.methods.teachers.bad_teacher import BadTeacher
from deepnet.methods.teachers.boundary import BoundaryShrink
from deepnet.methods.teachers.impairing import Unsir

__all__ = ["AnchoredNegGrad", "BadTeacher", "BoundaryShrink", "Unsir"]
