"""What the figure of tuned settings shows, validation at every value tried, as plain values; nothing is drawn here."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sweeper.analysis.contents import Value
from sweeper.analysis.factors import rank
from sweeper.analysis.rows import Comparison, Grid, GroupRow, TrialRow
from sweeper.analysis.statistics import Summary
from sweeper.report.figures.curves import LINES_DRAWN, PANELS_DRAWN, SERIES_PER_PANEL, choose_facets
from sweeper.report.figures.scales import CATEGORIES, LOGARITHMIC, places_of, scale_of
from sweeper.report.figures.styles import Style, group_styles
from sweeper.report.text import Cells, Group, heading, metric_name, telling_labels, value_text


@dataclass(frozen=True)
class Point:
    """A value of the setting on the axis: validation over the trials that count, and each trial.

    `chosen`: it is what the group is compared by.
    """

    value: Value
    validation: Summary
    trials: tuple[TrialRow, ...]
    chosen: bool

    @property
    def is_drawn(self) -> bool:
        """Whether there is a mean, and it is finite."""
        return self.validation.mean is not None and math.isfinite(self.validation.mean)


@dataclass(frozen=True)
class TuningLine:
    """One group at one value of each of the other tuned settings, which `others` are; by the value on the axis."""

    group: Group
    others: Group
    label: str
    style: Style
    points: tuple[Point, ...]


@dataclass(frozen=True)
class TuningPanel:
    """Lines that are alike in what the title says; `block` are their data set and task, where these vary."""

    title: str
    block: Group
    lines: tuple[TuningLine, ...]


@dataclass(frozen=True)
class TuningFigure:
    """Mean validation against a tuned setting, a line a group. `factors` tell groups apart, `others` are tuned, too."""

    name: str
    metric: str
    setting: str
    factors: tuple[str, ...]
    others: tuple[str, ...]
    panels: tuple[TuningPanel, ...]

    @property
    def title(self) -> str:
        """What the figure shows."""
        return f"Tuning: validation {metric_name(self.metric)} against {heading(self.setting, self.tuned)}"

    @property
    def tuned(self) -> tuple[str, ...]:
        """All tuned settings, that of the axis first."""
        return (self.setting, *self.others)

    @property
    def axis(self) -> str:
        """Label of the vertical axis."""
        return f"validation {metric_name(self.metric)}"

    @property
    def setting_axis(self) -> str:
        """Label of the horizontal axis."""
        name = heading(self.setting, self.tuned)
        return f"{name} (logarithmic)" if self.scale == LOGARITHMIC else name

    @property
    def caption(self) -> str:
        """How to read it, and what it leaves out."""
        return " ".join(_caption(self))

    @property
    def lines(self) -> list[TuningLine]:
        """All lines."""
        return [line for panel in self.panels for line in panel.lines]

    @property
    def drawn(self) -> tuple[TuningPanel, ...]:
        """The panels that there is room for."""
        return self.panels[:PANELS_DRAWN]

    @property
    def columns(self) -> int:
        """How many panels stand beside each other: those of one group where there are as many as have room."""
        beside = len({line.others for line in self.lines})
        return beside if 1 < beside <= 3 else min(len(self.drawn), 3)

    @property
    def values(self) -> list[Value]:
        """All values that were tried, in their order."""
        found = {point.value for line in self.lines for point in line.points}
        return sorted(found, key=lambda value: rank(self.setting, value))

    @property
    def scale(self) -> str:
        """How values are spread on the axis."""
        return scale_of(self.values)

    @property
    def places(self) -> Mapping[Value, float]:
        """Where each value stands on the axis, in the units of its scale."""
        return places_of(self.values, self.scale)

    @property
    def number_of_trials(self) -> int:
        """How many single trials there would be to draw."""
        return sum(len(point.trials) for panel in self.drawn for line in panel.lines for point in line.points)

    @property
    def trials_drawn(self) -> bool:
        """Whether single trials can be seen."""
        return self.number_of_trials <= LINES_DRAWN


def tuning_figure(comparison: Comparison, grid: Grid, metric: str) -> TuningFigure:
    """Return validation by the selection metric at every value that was tried of the tuned settings.

    The one with most values is on the axis; each combination of the others' values has a panel. More panels are those
    of data sets and tasks, and of other factors where a panel would have more groups than can be told apart.
    """
    factors = comparison.factors
    groups = [row.factors for row in comparison.groups if row.counted]
    facets = choose_facets(factors, groups, comparison.roles.blocks)
    # Where all groups can be told apart, each has one look in all figures.
    alike = comparison.roles.blocks if len(groups) <= SERIES_PER_PANEL else facets
    styles, labels = group_styles(factors, groups, alike), telling_labels(comparison.names, groups, alike)
    setting = _on_axis(grid, metric)
    others = tuple(name for name in grid.tuned if name != setting)
    found = _points(comparison, grid, metric, setting)
    lines = [
        TuningLine(group, other, labels[group], styles[group], tuple(found[group, other]))
        for group in groups
        for other in sorted((other for own, other in found if own == group), key=lambda other: _order(others, other))
    ]
    names = tuple(heading(name, (setting, *others)) for name in others)
    panels = tuple(_panels(comparison, facets, others, lines, names))
    return TuningFigure(f"tuning_{metric}", metric, setting, factors, others, panels)


def _panels(
    comparison: Comparison, facets: Sequence[str], others: Sequence[str], lines: Sequence[TuningLine], names: Cells
) -> Iterator[TuningPanel]:
    """Yield panels in the order of the groups, those of a facet in the order of the other settings' values."""
    panels: dict[str, dict[Group, list[TuningLine]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        texts = dict(zip(comparison.factors, comparison.names.labels(line.group), strict=True))
        panels[", ".join(texts[factor] for factor in facets)][line.others].append(line)
    for facet, by_others in panels.items():
        for values in sorted(by_others, key=lambda values: _order(others, values)):
            own = (f"{name} {value_text(value)}" for name, value in zip(names, values, strict=True))
            title = ", ".join(filter(None, [facet, *own]))
            yield TuningPanel(title, _block(comparison, by_others[values]), tuple(by_others[values]))


def _block(comparison: Comparison, lines: Sequence[TuningLine]) -> Group:
    """Return the values of the block factors, which all lines of a panel share."""
    return tuple(lines[0].group[comparison.factors.index(name)] for name in comparison.roles.blocks)


def _order(names: Sequence[str], values: Group) -> list[tuple[int, float, str]]:
    return [rank(name, value) for name, value in zip(names, values, strict=True)]


def _on_axis(grid: Grid, metric: str) -> str:
    """Return the tuned setting with most values, the first of several."""
    rows = [row.values for row in grid.rows if row.metric == metric]
    counts = [len(set(values)) for values in zip(*rows, strict=True)] or [0]
    return grid.tuned[counts.index(max(counts))]


def _points(comparison: Comparison, grid: Grid, metric: str, setting: str) -> dict[tuple[Group, Group], list[Point]]:
    """Return the points of each line: by the group's factors, and by the values of the other tuned settings."""
    chosen = {(row.factors, row.values) for row in grid.rows if row.chosen}
    found: dict[tuple[Group, Group], list[Point]] = {}
    for row in grid.whole.groups:
        if row.metric == metric:
            own, values = _of(grid, row, comparison.factors), _of(grid, row, grid.tuned)
            at = grid.tuned.index(setting)
            point = Point(values[at], row.validation, row.counted, (own, values) in chosen)
            found.setdefault((own, values[:at] + values[at + 1 :]), []).append(point)
    return {line: sorted(points, key=lambda point: rank(setting, point.value)) for line, points in found.items()}


def _of(grid: Grid, row: GroupRow, factors: Sequence[str]) -> Group:
    return tuple(row.factors[grid.whole.factors.index(name)] for name in factors)


def _caption(figure: TuningFigure) -> Iterator[str]:
    joined = "" if figure.scale == CATEGORIES else ", a line a group"
    yield f"Large marks: mean over seeds at each trial's best epoch{joined}."
    if figure.trials_drawn:
        yield "Small marks, just right of them: single trials."
    else:
        yield f"Single trials ({figure.number_of_trials:,}) are too many to be drawn; their values are in the CSV."
    yield "Ring: the value that validation chose, by which the group is compared. Ticks are at the values tried."
    if len({panel.block for panel in figure.drawn}) > 1:
        yield "Each data set and task has a vertical axis of its own."
    points = [point for line in figure.lines for point in line.points]
    if missing := sum(not point.is_drawn for point in points):
        yield f"Not drawn: {missing} of {len(points)} means, to which no trial counts or which are not finite."
    if len(figure.panels) > PANELS_DRAWN:
        yield f"The first {PANELS_DRAWN} of {len(figure.panels)} panels are drawn; all values are in the CSV."
