"""What the intervals for new seeds and new texts cover: python -m tests.benchmarks.texts.

Two groups of models answer the same texts. Seed s of group g is right on text j where
    μ_g + a_gs + b_j + c_gj + e_gsj > 0
with normal effects: of the seed, sd as stated, in points of accuracy; of the text, sd 1.5; of the text in this group,
sd 0.7; of the seed on this text, sd 1. Both groups reach 78 % on average unless stated. Seeds and texts are drawn anew
each time, and counted is how often a 95 % interval holds the truth over all seeds and texts: of the difference, of the
first group's mean (on the logit's scale), and of the difference seed by seed. Wanted of the difference: 94.0 to 98.5 %;
what is printed as approximate, with two seeds in a group, may cover less.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from sweeper.analysis.shares import logit_interval
from sweeper.analysis.text_moments import TextMoments, crossed_text_moments, text_moments
from sweeper.analysis.texts import OverTexts, difference_over_texts, mean_over_texts, paired_over_texts
from tests.benchmarks.measure import print_table

REPEATS = 10_000
LEAST, MOST = 0.940, 0.985
TEXT_SD, REST_SD = 1.5, 1.0
NORMAL = NormalDist()

Array = np.ndarray[Any, Any]
Interval = tuple[float | None, float | None]


@dataclass(frozen=True)
class Case:
    """What is drawn: texts, seeds of either group, their sd in points, and where this differs from the usual.

    `data_seeds`: of each group, every one with every seed, and with effects like theirs. `clusters`: the texts are in
    so many, of uneven size, with half the variance of each of their effects. `repeated` texts are copies of others.
    """

    name: str
    texts: int
    seeds: tuple[int, int]
    seed_sd: float
    bases: tuple[float, float] = (0.78, 0.78)
    group_text_sd: float = 0.7
    data_seeds: int = 1
    clusters: int | None = None
    repeated: int = 0

    @property
    def approximate(self) -> bool:
        """Whether the interval is printed as approximate, or speaks for these models only."""
        return min(self.seeds) <= 2

    @property
    def own_sd(self) -> float:
        """Standard deviation of all effects but the seeds'."""
        return math.hypot(TEXT_SD, self.group_text_sd, REST_SD)


CASES = (
    Case("", 2000, (3, 3), 1.2),
    Case("", 2000, (3, 3), 0.6),
    Case("", 2000, (5, 5), 1.3),
    Case("", 2000, (5, 5), 0.7),
    Case("", 2000, (10, 10), 1.4),
    Case("", 400, (3, 3), 1.7),
    Case("", 400, (5, 5), 1.4),
    Case("no text has an effect of its own in a group", 2000, (3, 3), 1.3, group_text_sd=0.0),
    Case("a difference of 22 points", 2000, (3, 3), 1.2, bases=(0.78, 0.56)),
    Case("97 %", 400, (3, 3), 0.7, bases=(0.97, 0.97)),
    Case("97 %", 400, (5, 5), 0.7, bases=(0.97, 0.97)),
    Case("unequal numbers of seeds", 2000, (10, 3), 1.2),
    Case("seeds have no effect", 2000, (3, 3), 0.0),
    Case("seeds have no effect", 400, (5, 5), 0.0),
    Case("34 texts occur twice", 2000, (3, 3), 1.2, repeated=34),
    Case("200 clusters of texts", 2000, (5, 5), 0.7, clusters=200),
    Case("40 clusters of texts", 2000, (5, 5), 0.7, clusters=40),
    Case("crossed with 3 data seeds", 2000, (3, 3), 1.2, data_seeds=3),
    Case("two seeds", 2000, (2, 2), 1.2),
    Case("two seeds", 400, (2, 2), 0.6),
    Case("two seeds", 2000, (5, 2), 1.2),
    Case("one seed: for these models", 2000, (1, 1), 1.2),
)


@dataclass(frozen=True)
class Drawn:
    """Scores of each group [seeds, data seeds, texts], the texts' clusters, and what the intervals should hold."""

    scores: tuple[Array, Array]
    clusters: Array | None
    truth: tuple[float, float]


def main() -> None:
    """Print what share of the intervals holds the truth, and which of them is outside of what is wanted."""
    rows, missed = [], 0
    for case in CASES:
        found = coverage(case, REPEATS)
        outside = not case.approximate and not LEAST <= found["difference"] <= MOST
        missed += outside
        said = "approximate" if case.approximate else "outside" if outside else ""
        size = "{} and {}".format(*case.seeds)
        rows.append([case.name, str(case.texts), size, f"{case.seed_sd:g}", *map(_percent, found.values()), said])
    print_table(["case", "texts", "seeds", "sd (points)", "difference", "one group", "seed by seed", ""], rows)
    print(f"{REPEATS} repetitions; wanted of the difference: {LEAST:.1%} to {MOST:.1%}; outside: {missed}")


def coverage(case: Case, repeats: int, seed: int = 0) -> dict[str, float]:
    """Share of the intervals that hold the truth, by kind; nan where a case has no such interval."""
    held = {"difference": 0.0, "one group": 0.0, "seed by seed": 0.0}
    for drawn in draws(case, repeats, seed):
        first, second = (_moments(own, drawn.clusters) for own in drawn.scores)
        above = drawn.truth[0] - drawn.truth[1]
        held["difference"] += _holds(difference_over_texts(first, second).estimate.interval(), above)
        held["one group"] += _holds(logit_interval(mean_over_texts(first).estimate), drawn.truth[0])
        paired = _paired(drawn)
        held["seed by seed"] += _holds(paired.estimate.interval(), above) if paired else math.nan
    return {kind: number / repeats for kind, number in held.items()}


def draws(case: Case, repeats: int, seed: int = 0) -> Iterator[Drawn]:
    """Yield one drawing of all seeds and texts after the other."""
    generator = np.random.default_rng([seed, case.texts, *case.seeds])
    for _ in range(repeats):
        yield _drawn(case, generator)


def _drawn(case: Case, generator: np.random.Generator) -> Drawn:
    clusters = _clusters(case, generator)
    texts = _effects(generator, (), case, clusters) * np.float32(TEXT_SD)
    groups = [_group(case, generator, at, texts, clusters) for at in (0, 1)]
    scores, truth = zip(*groups, strict=True)
    if case.repeated:
        copied = np.r_[0 : case.texts - case.repeated, 0 : case.repeated]
        return Drawn(tuple(own[..., copied] for own in scores), copied, truth)
    return Drawn(scores, clusters, truth)


def _clusters(case: Case, generator: np.random.Generator) -> Array | None:
    """The cluster of each text; clusters differ in how likely they are, with a coefficient of variation of 1/2."""
    if case.clusters is None:
        return None
    share = generator.gamma(4, size=case.clusters)
    return generator.choice(case.clusters, size=case.texts, p=share / share.sum())


def _effects(generator: np.random.Generator, rows: tuple[int, ...], case: Case, clusters: Array | None) -> Array:
    """Draw effects of sd 1 [rows, texts], half of whose variance is their cluster's."""
    found = generator.standard_normal((*rows, case.texts), dtype=np.float32)
    if clusters is None or case.clusters is None:
        return found
    of_clusters = generator.standard_normal((*rows, case.clusters), dtype=np.float32)
    return (found + of_clusters[..., clusters]) * np.float32(math.sqrt(0.5))


def _group(
    case: Case, generator: np.random.Generator, at: int, texts: Array, clusters: Array | None
) -> tuple[Array, float]:
    """Draw a group's scores [seeds, data seeds, texts], with what it is right on of all texts."""
    n, quantile = case.seeds[at], NORMAL.inv_cdf(case.bases[at])
    sd = case.seed_sd / 100 * case.own_sd / NORMAL.pdf(quantile)
    center = quantile * math.hypot(case.own_sd, sd, sd if case.data_seeds > 1 else 0)
    seeds = sd * generator.standard_normal((n, 1, 1), dtype=np.float32)
    rest = _effects(generator, (n, case.data_seeds), case, clusters)
    if case.data_seeds > 1:
        seeds = seeds + sd * generator.standard_normal((1, case.data_seeds, 1), dtype=np.float32)
        sides = [_effects(generator, shape, case, clusters) for shape in ((n, 1), (1, case.data_seeds))]
        rest = (rest + sides[0] + sides[1]) * np.float32(math.sqrt(1 / 3))
    in_group = _effects(generator, (), case, clusters) * np.float32(case.group_text_sd)
    right = rest * np.float32(REST_SD) + seeds > -(texts + in_group) - np.float32(center)
    only = NORMAL.cdf((center + float(seeds[0, 0, 0])) / case.own_sd)
    return right, only if n == 1 else case.bases[at]


def _moments(scores: Array, clusters: Array | None) -> TextMoments:
    if scores.shape[1] == 1:
        return text_moments(scores[:, 0], clusters)
    found = crossed_text_moments({key: scores[key] for key in np.ndindex(scores.shape[:2])}, clusters)
    assert found
    return found


def _paired(drawn: Drawn) -> OverTexts | None:
    """The difference seed by seed; None of unequal numbers of seeds, and of crossed ones."""
    first, second = drawn.scores
    if first.shape != second.shape or first.shape[1] > 1:
        return None
    return paired_over_texts(first[:, 0], second[:, 0], drawn.clusters)


def _holds(interval: Interval, truth: float) -> bool:
    low, high = interval
    return low is not None and high is not None and low <= truth <= high


def _percent(share: float) -> str:
    return "" if math.isnan(share) else f"{100 * share:.1f}"


if __name__ == "__main__":
    main()
