"""How the values of a setting are spread on an axis: by their logarithms, as they are, or side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from sweeper.analysis.contents import Value

LOGARITHMIC, LINEAR, CATEGORIES = "logarithmic", "linear", "categories"
LARGEST_SPAN = 10  # largest value over the smallest, from which an axis is logarithmic
ROUNDING = 1e-9


def scale_of(values: Sequence[Value]) -> str:
    """Return how these values, in their order, are spread on an axis.

    Positive numbers by their logarithms where they span a factor of `LARGEST_SPAN` or are in equal ratios; those in
    equal steps, and other numbers, as they are; what are no numbers side by side.
    """
    numbers = [float(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if not numbers or len(numbers) < len(values) or not all(map(math.isfinite, numbers)):
        return CATEGORIES
    several = len(numbers) > 2
    if min(numbers) <= 0 or (several and _equal([after - before for before, after in pairwise(numbers)])):
        return LINEAR
    in_ratio = several and _equal([after / before for before, after in pairwise(numbers)])
    return LOGARITHMIC if in_ratio or numbers[-1] / numbers[0] >= LARGEST_SPAN * (1 - ROUNDING) else LINEAR


def _equal(numbers: Sequence[float]) -> bool:
    return max(numbers) - min(numbers) <= ROUNDING * max(numbers)


def places_of(values: Sequence[Value], scale: str) -> dict[Value, float]:
    """Return where each value stands on an axis of this scale, in its units."""
    if scale == CATEGORIES:
        return {value: float(position) for position, value in enumerate(values)}
    numbers = ((value, float(value)) for value in values if isinstance(value, int | float))
    return {value: math.log10(number) if scale == LOGARITHMIC else number for value, number in numbers}
