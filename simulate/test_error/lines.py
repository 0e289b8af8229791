"""Where a piecewise linear function of a normal coordinate exceeds a threshold, and how likely that is."""

from __future__ import annotations

import math

from simulate.machine.compilation import borrowing_kernel
from simulate.test_error.tails import log_add, log_normal_interval, truncated_normal

__all__ = ["exceedance_intervals", "far_left", "find_kinks", "log_measure", "pick", "point_in_intervals"]


@borrowing_kernel
def find_kinks(offsets, slopes, kinks, ranks):
    """Fill kinks (n, N) of relu(offsets + slopes t) on N lines, and ranks (n, N), their places from left to right.

    Offsets are (n, N), slopes (n,). The lines are taken side by side, by the vector unit: that each pair of kinks is
    compared costs less than a sort of one line after another, which a processor cannot foresee.
    """
    for i in range(slopes.size):
        for k in range(kinks.shape[1]):
            kinks[i, k] = -offsets[i, k] / slopes[i] if slopes[i] != 0.0 else math.inf
            ranks[i, k] = 0
        for j in range(i):
            for k in range(kinks.shape[1]):
                sooner = 1 if kinks[j, k] <= kinks[i, k] else 0
                ranks[i, k] += sooner
                ranks[j, k] += 1 - sooner


@borrowing_kernel
def far_left(offsets, slopes, signs):
    """Level and slope of Σ signs relu(offsets + slopes t) at the far left; all of them (n,)."""
    level, slope = 0.0, 0.0
    for i in range(offsets.size):
        if slopes[i] < 0.0 or (slopes[i] == 0.0 and offsets[i] > 0.0):
            level += signs[i] * offsets[i]
            slope += signs[i] * slopes[i]
    return level, slope


@borrowing_kernel
def exceedance_intervals(offsets, slopes, signs, line, order, kinks, intervals):
    """Fill intervals (n + 1, 2) with where Σ signs relu(offsets + slopes t) > threshold and return their number.

    The kinks (n,) are passed with their order (n,); the line is level and slope at the far left, and the threshold.
    """
    level, slope, threshold = line
    start, count = -math.inf, 0
    for i in range(offsets.size + 1):
        stop = kinks[order[i]] if i < offsets.size else math.inf
        lower, upper, crossing = start, stop, (threshold - level) / slope
        if slope > 0.0:
            lower = max(start, crossing)
        elif slope < 0.0:
            upper = min(stop, crossing)
        elif level <= threshold:
            upper = start
        if lower < upper:
            if count > 0 and intervals[count - 1, 1] == lower:
                count -= 1
            else:
                intervals[count, 0] = lower
            intervals[count, 1] = upper
            count += 1
        if stop == math.inf:
            break
        r, start = order[i], stop
        turn = signs[r] if slopes[r] > 0.0 else -signs[r]
        level += turn * offsets[r]
        slope += turn * slopes[r]
    return count


@borrowing_kernel
def log_measure(intervals, count):
    """Log-probability that a standard normal lies in one of the first `count` intervals."""
    total = -math.inf
    for i in range(count):
        total = log_add(total, log_normal_interval(intervals[i, 0], intervals[i, 1]))
    return total


@borrowing_kernel
def pick(log_parts, log_total, fraction):
    """Which of some parts (N,) of a total lies at `fraction` of it, and at which fraction of that part."""
    i, share = 0, 1.0
    for i in range(log_parts.size):
        share = math.exp(log_parts[i] - log_total)
        if fraction < share:
            break
        fraction -= share
    return i, min(fraction / share, 1.0) if log_parts.size > 1 else fraction


@borrowing_kernel
def point_in_intervals(intervals, count, log_total, fraction):
    """Quantile at `fraction` of a standard normal restricted to the first `count` intervals."""
    i, share = 0, 1.0
    for i in range(count):
        share = math.exp(log_normal_interval(intervals[i, 0], intervals[i, 1]) - log_total)
        if fraction < share:
            break
        fraction -= share
    return truncated_normal(intervals[i, 0], intervals[i, 1], min(fraction / share, 1.0))
