"""What the figures of a metric per epoch show, as plain values; nothing is drawn here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sweeper.analysis.reference_rows import reference_epoch_rows
from sweeper.analysis.rows import RECORDED, Comparison
from sweeper.analysis.statistics import Summary
from sweeper.report.figures.majority import in_reach, majority_caption, panel_majority
from sweeper.report.figures.styles import Style, group_styles
from sweeper.report.text import Group, metric_name, telling_labels
from sweeper.trial.outcome import Status

SERIES_PER_PANEL = 8  # as many as can be told apart
PANELS_DRAWN = 9
LINES_DRAWN = 300  # of single trials; more of them are a blur


@dataclass(frozen=True)
class Line:
    """One trial: its directory's name, its seeds, and the metric by epoch."""

    trial: str
    seed: int
    data_seed: int
    values: Mapping[int, float]


@dataclass(frozen=True)
class Series:
    """One group: `style` is its look, `epochs` has mean and sd by epoch, `published` a reference's means."""

    group: Group
    label: str
    style: Style
    lines: tuple[Line, ...]
    epochs: Mapping[int, Summary]
    published: Mapping[int, float]


@dataclass(frozen=True)
class Panel:
    """Groups that are alike in what the title says.

    `majority`: what always answering the set's most frequent class reaches, where that is one for all groups.
    """

    title: str
    series: tuple[Series, ...]
    majority: float | None = None


@dataclass(frozen=True)
class CurveFigure:
    """A metric per epoch on one set, a line a trial, mean and sd a group. `source`: where published means stand."""

    name: str
    metric: str
    split: str
    factors: tuple[str, ...]
    panels: tuple[Panel, ...]
    source: str = ""

    @property
    def axis(self) -> str:
        """Label of the vertical axis."""
        return f"{self.split} {metric_name(self.metric)}"

    @property
    def title(self) -> str:
        """What the figure shows."""
        return f"{self.split.capitalize()} {metric_name(self.metric)} per epoch"

    @property
    def caption(self) -> str:
        """How to read it, and what it leaves out."""
        return " ".join(_caption(self))

    @property
    def series(self) -> list[Series]:
        """All groups."""
        return [series for panel in self.panels for series in panel.series]

    @property
    def drawn(self) -> tuple[Panel, ...]:
        """The panels that there is room for."""
        return self.panels[:PANELS_DRAWN]

    @property
    def number_of_lines(self) -> int:
        """How many single trials there would be to draw."""
        return sum(len(series.lines) for panel in self.drawn for series in panel.series)

    @property
    def lines_drawn(self) -> bool:
        """Whether single trials can be seen."""
        return self.number_of_lines <= LINES_DRAWN

    @property
    def has_published(self) -> bool:
        """Whether published means are drawn."""
        return any(series.published for panel in self.drawn for series in panel.series)

    @property
    def majorities(self) -> list[float]:
        """The shares of the most frequent class that are drawn."""
        return sorted({panel.majority for panel in self.drawn if panel.majority is not None})

    @property
    def majority_drawn(self) -> bool:
        """Whether the majority class is near enough for a line."""
        series = [own for panel in self.drawn for own in panel.series]
        means = (summary.mean for own in series for summary in own.epochs.values())
        singles = (value for own in series for line in own.lines for value in line.values.values())
        return bool(self.majorities) and in_reach(self.majorities, (*means, *singles))

    @property
    def epochs(self) -> list[int]:
        """All epochs that a group was evaluated at."""
        return sorted({epoch for series in self.series for epoch in series.epochs})


def curve_figure(comparison: Comparison, metric: str, split: str, facets: Sequence[str] = ()) -> CurveFigure:
    """Return a metric ("accuracy") per epoch on a set ("validation", "test"), a panel a value of each of `facets`.

    More factors become facets where a panel would have more groups than can be told apart.
    """
    factors = comparison.factors
    groups = [row.factors for row in comparison.groups if row.counted]
    facets = choose_facets(factors, groups, (*comparison.roles.blocks, *facets))
    # Where all groups can be told apart, each has one look in all figures.
    alike = comparison.roles.blocks if len(groups) <= SERIES_PER_PANEL else facets
    styles, labels = group_styles(factors, groups, alike), telling_labels(comparison.names, groups, alike)
    summaries, lines = _epoch_summaries(comparison, metric, split), _trial_lines(comparison, metric, split)
    published = _published_means(comparison, metric, split)
    panels: dict[str, list[Series]] = {}
    for group in groups:
        measured = tuple(lines.get(group, ())), summaries.get(group, {})
        series = Series(group, labels[group], styles[group], *measured, published.get(group, {}))
        texts = dict(zip(factors, comparison.names.labels(group), strict=True))
        panels.setdefault(", ".join(texts[factor] for factor in facets), []).append(series)
    found = tuple(
        Panel(title, tuple(series), panel_majority(comparison, {own.group for own in series}, metric, split))
        for title, series in panels.items()
    )
    source = comparison.reference.source if comparison.reference else ""
    return CurveFigure(f"{split}_{metric}", metric, split, factors, found, source)


def _caption(figure: CurveFigure) -> Iterator[str]:
    single = len(figure.epochs) == 1
    lines = "Small marks: single trials" if single else "Thin lines: single trials, one a seed"
    lines = f"{lines}. " if figure.lines_drawn else ""
    yield (
        f"{lines}Large marks: mean over seeds. {'Bars' if single else 'Band'}: ± one sample standard deviation (n − 1)"
        " around it; none where n = 1."
    )
    if figure.has_published:
        yield f"Dotted, with open marks: published means ({figure.source})."
    if figure.majorities:
        yield majority_caption({figure.split: figure.majorities}, figure.majority_drawn)
    if not figure.lines_drawn:
        yield f"Single trials ({figure.number_of_lines:,}) are too many to be drawn; their values are in the CSV."
    if len(figure.panels) > PANELS_DRAWN:
        yield f"The first {PANELS_DRAWN} of {len(figure.panels)} panels are drawn; all values are in the CSV."


def choose_facets(factors: Sequence[str], groups: Sequence[Group], wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the factors that part groups into panels: those wanted that vary, then as few as keep panels legible."""
    values = {factor: len({group[position] for group in groups}) for position, factor in enumerate(factors)}
    chosen = [factor for factor in wanted if values.get(factor, 0) > 1]
    while _fullest(factors, groups, chosen) > SERIES_PER_PANEL:
        left = [factor for factor in factors if factor not in chosen and values[factor] > 1]
        # The first gives the colours: it parts the panels only where no other can.
        sizes = {factor: _fullest(factors, groups, [*chosen, factor]) for factor in left[1:] or left}
        legible = [factor for factor, size in sizes.items() if size <= SERIES_PER_PANEL]
        chosen.append(min(legible, key=values.__getitem__) if legible else min(sizes, key=sizes.__getitem__))
    return tuple(chosen)


def _fullest(factors: Sequence[str], groups: Sequence[Group], facets: Sequence[str]) -> int:
    positions = [factors.index(factor) for factor in facets]
    return max(Counter(tuple(group[position] for position in positions) for group in groups).values(), default=0)


def _epoch_summaries(comparison: Comparison, metric: str, split: str) -> dict[Group, dict[int, Summary]]:
    found: dict[Group, dict[int, Summary]] = {}
    for row in comparison.epochs:
        summary: Summary | None = row.on(split, metric)
        if summary is not None and summary.n:
            found.setdefault(row.factors, {})[row.epoch] = summary
    return found


def _published_means(comparison: Comparison, metric: str, split: str) -> dict[Group, dict[int, float]]:
    found: dict[Group, dict[int, float]] = {}
    for row in reference_epoch_rows(comparison):
        if (row.metric, row.split) == (metric, split):
            found.setdefault(row.factors, {})[row.epoch] = row.published_mean
    return found


def _trial_lines(comparison: Comparison, metric: str, split: str) -> dict[Group, list[Line]]:
    found: dict[Group, list[Line]] = {}
    for row in comparison.trials:
        values = comparison.curves.get(row.name, {}).get((RECORDED[split], metric), {})
        if row.status == Status.DONE and values:
            found.setdefault(row.factors, []).append(Line(row.name, row.seed, row.data_seed, values))
    return found
