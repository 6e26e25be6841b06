"""McNemar's exact test: whether one model is right on more texts than one other, as far as new texts go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class McNemar:
    """How many texts only the first model has right, and only the second; the two-sided p of as many in truth.

    It compares these two models and not the two ways of making them.
    """

    only_first: int
    only_second: int
    p: float


def mcnemar(first: Array, second: Array, clusters: Array | None = None) -> McNemar | None:
    """Test two models' scores [texts], 0 or 1 (McNemar 1947, Psychometrika 12, 153–157).

    The exact form: of the b + c texts on which they differ the first has b right, by chance as often as heads of a fair
    coin; p is twice the smaller tail, at most 1. Texts have to be independent: None where two share a cluster, or where
    a score is neither 0 nor 1.
    """
    import numpy as np
    from scipy.special import bdtr

    one, other = (np.asarray(own, dtype=np.float64) for own in (first, second))
    assert one.ndim == 1 and one.shape == other.shape
    if not all(np.isin(own, (0, 1)).all() for own in (one, other)):
        return None
    if clusters is not None and len(np.unique(clusters)) < len(one):
        return None
    only_first, only_second = int((one > other).sum()), int((one < other).sum())
    fewer, both = min(only_first, only_second), only_first + only_second
    return McNemar(only_first, only_second, min(1.0, 2 * float(bdtr(fewer, both, 0.5))) if both else 1.0)
