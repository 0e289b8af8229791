"""The tail of the standard normal and its inverse, for loops that take several numbers at a time.

As in `simulate.machine.elementary` nothing branches, and `tests/oracles/interpolation.py` computes the coefficients of
the polynomials, here of (x - c)/(x + c), which maps far and near to either side.
"""

from __future__ import annotations

from simulate.machine.compilation import exact_kernel
from simulate.machine.floats import polynomial

__all__ = ["scaled_tail", "tail_point"]

_TAIL_CENTRE, _POINT_CENTRE = 5.0, 3.0
_TAIL = (
    0.769193049750063, -0.6653825028900568, 0.4953056159699761, -0.31353315667128756, 0.1650203661704063,
    -0.06911863870687514, 0.02079506679927975, -0.002993376761904989, -0.000797869389519442, 0.0005448989929665592,
    -5.9375805877903804e-05, -4.976245664652905e-05, 1.6681633642661576e-05, 3.979804272612088e-06,
    -2.7707057470132453e-06, -3.3456753813685493e-07, 4.3627120345766566e-07, 4.016280260225154e-08,
    -7.01260417710781e-08, -8.53901260296896e-09, 1.0793647338990077e-08, 2.2133448821021103e-09,
    -1.1622135143590435e-09, -3.812459636210384e-10,
)  # fmt: skip
_POINT = (
    0.6109229220484336, 0.9244613698713378, -0.17806428083591183, 0.10034215514177226, -0.07211273350944297,
    0.05238877599193236, -0.041756876669976684, 0.03403263280583611, -0.029118509692037324, 0.025105906486540777,
    -0.02221127638510523, 0.019735974027761564, -0.017850519413503345, 0.016196340067352207, -0.014858579809916875,
    0.013630758642043366, -0.01279723478917604, 0.012266716610508007, -0.010729132868150817, 0.007841243828648268,
    -0.010330664980587777, 0.01973553779861581, -0.011605141688363851, -0.021371378915010363, 0.012508157616099169,
    0.06191495069533412, -0.06875901115876414, -0.046385872211830576, 0.09325554180283231, 0.012662339893301618,
    -0.08481848661579493, 0.038919024396799215, 0.007606797883719607, -0.006537632836818083,
)  # fmt: skip


@exact_kernel
def scaled_tail(x):
    """exp(x²/2) Φ(-x) to the last digit or two for 0 ≤ x ≤ 36."""
    inverse = 1.0 / (x + _TAIL_CENTRE)
    return inverse * polynomial(_TAIL, (x - _TAIL_CENTRE) * inverse)


@exact_kernel
def tail_point(root):
    """The x that solves Φ(-x) = exp(-root²), for √(log 2) ≤ root ≤ 26 and so x ≥ 0.

    To some 4e-16 of 1 + x; a processor that does not multiply and add at a time makes it 7e-16.
    """
    whole = root + _POINT_CENTRE
    return whole * polynomial(_POINT, (root - _POINT_CENTRE) / whole)
