"""The figure of tuned settings: every value tried, what was chosen of them, and how both are drawn."""

from __future__ import annotations

import csv
import io
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas
import pytest
from matplotlib.axes import Axes

from sweeper.analysis.contents import Value
from sweeper.analysis.grouping import compare_study
from sweeper.analysis.rows import Comparison
from sweeper.records.question import question
from sweeper.records.study import open_study
from sweeper.report.figures import figure_csv, figures
from sweeper.report.figures.curves import LINES_DRAWN, SERIES_PER_PANEL, CurveFigure
from sweeper.report.figures.drawing import draw, draw_narrow
from sweeper.report.figures.drawn_tuning import draw_tuning
from sweeper.report.figures.scales import CATEGORIES, LINEAR, LOGARITHMIC, scale_of
from sweeper.report.figures.tables import figure_table
from sweeper.report.figures.tuning import TuningFigure
from sweeper.report.inline_svg import natural_width
from sweeper.report.page import draw_figures, page
from tests.comparisons import MODELS, RATES, TIED, grid, reached, write_grid
from tests.records import compared, trial, write, write_demo

LOSS = {"name": "qa", "selection_metric": "loss", "greater_is_better": False}
EVIL = '<script>alert("1")</script>&$x_1$\x1b[31m'
RING, TRIAL = 10.5, 4.0  # sizes of marks


def asked(study: Path, select: str | Sequence[str] = "train.learning_rate") -> Comparison:
    return compare_study(open_study(study), asked=question({"select": select}))


def tuning(study: Path, select: str | Sequence[str] = "train.learning_rate") -> TuningFigure:
    (found,) = (figure for figure in figures(asked(study, select)) if isinstance(figure, TuningFigure))
    return found


def write_values(study: Path, name: str, reached: Mapping[tuple[str, Value], float], seeds: int = 3) -> None:
    """Write trials of pt, rd that reach what is said at each value of a setting, a point less or more by seed."""
    for (model, value), mean in reached.items():
        for seed in range(1, seeds + 1):
            validation = mean + (seed - 2) / 100
            write(study, trial(model, seed=seed, train={name: value}), [validation], [validation])


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three models, pretrained and random, on two data sets at two rates: 72 trials."""
    directory = tmp_path_factory.mktemp("outputs") / "grid"
    write_grid(directory)
    return directory


def test_the_whole_grid_with_its_means_and_what_was_chosen(study: Path) -> None:
    frame = pandas.DataFrame([(*one, reached(*one)[0]) for one in grid()], columns=[*"mpdrs", "value"])
    expected = frame.groupby([*"mpdr"])["value"].agg(["mean", "std", "count"])
    figure = tuning(study)
    found = {}
    for line in figure.lines:
        of = dict(zip(figure.factors, line.group, strict=True))
        for point in line.points:
            key = (of["model"], of["model.path"], of["data.path"], point.value)
            found[key] = (point.validation.mean, point.validation.sd, point.validation.n)
            single = frame.groupby([*"mpdr"]).get_group(key)["value"]
            assert sorted(row.validation or 0 for row in point.trials) == pytest.approx(sorted(single))
            # Of pt the smaller rate is better on validation, of rd the larger, but for one that ties.
            best = RATES[0] if of["model"] == "pt" or key[:3] == TIED else RATES[1]
            assert point.chosen is (point.value == best)
    assert len(found) == len(expected) == 24
    for key, numbers in found.items():
        assert numbers == pytest.approx(tuple(expected.loc[key]))


def test_a_panel_a_data_set_in_which_each_group_can_be_told(study: Path) -> None:
    figure = tuning(study)
    assert [panel.title for panel in figure.panels] == ["books", "toys"]
    labels = [f"{model} {path.removeprefix('zoo/')}" for model in ("pt", "rd") for path in MODELS]
    for panel in figure.panels:
        assert [line.label for line in panel.lines] == labels
        styles = {line.label: line.style for line in panel.lines}
        assert len(set(styles.values())) == len(labels) <= SERIES_PER_PANEL
        assert [styles[label].colour for label in labels] == [0, 0, 0, 1, 1, 1]
    assert "Each data set and task has a vertical axis of its own." in figure.caption


def test_groups_look_as_in_the_other_figures(study: Path) -> None:
    (curves, *_) = (figure for figure in figures(asked(study)) if isinstance(figure, CurveFigure))
    assert {line.group: line.style for line in tuning(study).lines} == {
        series.group: series.style for series in curves.series
    }


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ((1e-5, 1e-4), LOGARITHMIC),
        ((1e-6, 1e-5, 1e-4, 1e-3, 1e-2), LOGARITHMIC),
        ((1e-5, 2e-5, 5e-5, 1e-4), LOGARITHMIC),
        ((8, 16, 32), LOGARITHMIC),
        ((0.001, 0.002, 0.004), LOGARITHMIC),
        ((16, 24, 32), LINEAR),
        ((16, 32), LINEAR),
        ((1, 2, 3, 5), LINEAR),
        ((10, 20, 30, 40, 50, 60, 70, 80, 90, 100), LINEAR),
        ((0.0, 0.01, 0.1), LINEAR),
        ((-1, 10), LINEAR),
        (("constant", "linear"), CATEGORIES),
        ((False, True), CATEGORIES),
        ((0.1, None), CATEGORIES),
        ((1.0, math.inf), CATEGORIES),
        ((), CATEGORIES),
    ],
)
def test_the_axis_is_what_the_values_ask_for(values: tuple[Value, ...], scale: str) -> None:
    assert scale_of(values) == scale


def marks(axes: Axes, size: float) -> list[tuple[float, float]]:
    """Places of the marks of a size that a panel has, rounded."""
    lines: list[Any] = [line for line in axes.get_lines() if line.get_markersize() == size]
    points = [both for line in lines for both in zip(*line.get_data(), strict=True)]
    return [(round(float(x), 6), round(float(y), 6)) for x, y in points]


def ticks(axes: Axes) -> list[tuple[float, str]]:
    labels = [label.get_text() for label in axes.get_xticklabels()]
    return list(zip((round(float(place), 6) for place in axes.get_xticks()), labels, strict=True))


def test_means_stand_at_the_values_tried_and_a_ring_around_the_chosen_one(tmp_path: Path) -> None:
    means: dict[tuple[str, Value], float] = {
        ("pt", 1e-5): 0.8, ("pt", 1e-4): 0.9, ("pt", 1e-3): 0.5,
        ("rd", 1e-5): 0.6, ("rd", 1e-4): 0.65, ("rd", 1e-3): 0.7,
    }  # fmt: skip
    write_values(tmp_path, "learning_rate", means)
    (axes,) = draw_tuning(tuning(tmp_path), narrow=False).axes
    assert ticks(axes) == [(-5, "1e-05"), (-4, "0.0001"), (-3, "0.001")]
    assert sorted(marks(axes, 5)) == [(-5, 60), (-5, 80), (-4, 65), (-4, 90), (-3, 50), (-3, 70)]
    assert marks(axes, RING) == [(-4, 90), (-3, 70)]
    single = marks(axes, TRIAL)
    assert sorted(y for _, y in single) == [49, 50, 51, 59, 60, 61, 64, 65, 66, 69, 70, 71, 79, 80, 81, 89, 90, 91]
    assert all(0 < x % 1 < 0.5 for x, _ in single), "right of their own value, nearer to it than to the next"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("learning_rate (logarithmic)", "validation accuracy (%)")


def test_equal_steps_are_linear_and_text_has_no_line(tmp_path: Path) -> None:
    for number, size in enumerate((16, 24, 32)):
        write_values(tmp_path / "sizes", "batch_size", {("pt", size): 0.5 + number / 10})
    (axes,) = draw_tuning(tuning(tmp_path / "sizes", "batch_size"), narrow=False).axes
    assert ticks(axes) == [(16, "16"), (24, "24"), (32, "32")]
    assert marks(axes, RING) == [(32, 70)] and axes.get_xlabel() == "batch_size"
    write_values(tmp_path / "text", "schedule", {("pt", "linear"): 0.5, ("rd", "linear"): 0.5, ("pt", "cosine"): 0.6})
    (axes,) = draw_tuning(tuning(tmp_path / "text", "schedule"), narrow=False).axes
    assert ticks(axes) == [(0, "cosine"), (1, "linear")]
    assert {line.get_linestyle() for line in axes.get_lines()} == {"None"}
    beside = [x for x, y in marks(axes, 5) if y == 50]
    assert len(set(beside)) == 2, "side by side"


def test_of_several_settings_one_is_on_the_axis_and_the_others_have_panels(tmp_path: Path) -> None:
    for size in (32, 16):
        for rate in (1e-5, 1e-4, 1e-3):
            for model in ("pt", "rd"):
                value = 0.5 + size / 100 + (0.1 if rate == 1e-4 else 0)
                write(tmp_path, trial(model, train={"learning_rate": rate, "batch_size": size}), [value], [value])
    figure = tuning(tmp_path, ["batch_size", "learning_rate"])
    assert (figure.setting, figure.others) == ("train.learning_rate", ("train.batch_size",))
    assert [panel.title for panel in figure.panels] == ["batch_size 16", "batch_size 32"]
    assert [[line.label for line in panel.lines] for panel in figure.panels] == [["pt", "rd"]] * 2
    first, second = draw_tuning(figure, narrow=False).axes
    assert (marks(first, RING), marks(second, RING)) == ([], [(-4, 92), (-4, 92)])
    assert first.get_ylim() == second.get_ylim(), "of the same data"
    assert "vertical axis of its own" not in figure.caption


def test_many_groups_are_parted_until_each_can_be_told(tmp_path: Path) -> None:
    for number in range(6):
        for model in ("pt", "rd"):
            for rate in RATES:
                made = trial(model, arch={"name": f"arch{number}"}, train={"learning_rate": rate})
                write(tmp_path, made, [0.5 + number / 100], [0.5])
    figure = tuning(tmp_path)
    assert sum(len(panel.lines) for panel in figure.panels) == 12
    assert max(len(panel.lines) for panel in figure.panels) <= SERIES_PER_PANEL
    assert len({axes.get_ylim() for axes in draw_tuning(figure, narrow=False).axes}) == 1, "these are compared"


def test_what_is_not_drawn_is_said(tmp_path: Path) -> None:
    for rate, loss in ((1e-5, 1.0), (1e-4, 2.0), (1e-3, math.nan)):
        write(tmp_path / "loss", trial(train={"learning_rate": rate}, task=LOSS), [loss], [loss])
    figure = tuning(tmp_path / "loss")
    assert "Not drawn: 1 of 3 means" in figure.caption
    (axes,) = draw_tuning(figure, narrow=False).axes
    assert marks(axes, RING) == [(-5, 1)], "of a loss the smallest"
    assert not re.search(rb"\bnan\b", draw(figure)["svg"].lower())
    write_values(tmp_path / "many", "learning_rate", {("pt", 1e-5): 0.5, ("pt", 1e-4): 0.5}, LINES_DRAWN // 2 + 1)
    figure = tuning(tmp_path / "many")
    assert f"Single trials ({LINES_DRAWN + 2}) are too many to be drawn" in figure.caption
    (axes,) = draw_tuning(figure, narrow=False).axes
    assert marks(axes, TRIAL) == []
    assert len(figure_csv(figure).splitlines()) == 1 + LINES_DRAWN + 2 + 2


def test_labels_that_would_run_into_each_other_are_slanted(tmp_path: Path) -> None:
    rates = [digit * 10.0**power for power in (-6, -5, -4) for digit in (1, 2, 3, 5)]
    write_values(tmp_path, "learning_rate", {("pt", rate): 0.5 for rate in rates}, 1)
    figure = tuning(tmp_path)
    for narrow in (False, True):
        (axes,) = draw_tuning(figure, narrow).axes
        assert {label.get_rotation() for label in axes.get_xticklabels()} == {45}
        assert len(axes.get_xticks()) == len(rates)
    shown = [label for _, label in ticks(axes) if label]
    assert 6 < len(shown) < len(rates), "a phone has room for some of them"


def test_the_data_beside_it_is_all_of_it(study: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(figure_csv(tuning(study)))))
    factors = ["model", "framework", "model.path", "data.path", "train.learning_rate"]
    assert list(rows[0]) == [*factors, "trial", "seed", "data_seed", "value", "sd", "n", "chosen"]
    assert len(rows) == 72 + 24
    means = [row for row in rows if not row["trial"]]
    assert len(means) == 24 and sum(row["chosen"] == "yes" for row in means) == 12
    table = figure_table(tuning(study))
    assert table.heads == ("panel", "group", "", "learning_rate", "mean", "sd", "n")
    assert table.blocks[0] == (
        ("books", "pt bert", "chosen", "1e-05", "80.0", "1.0", "3"),
        ("books", "pt bert", "", "0.0001", "78.0", "1.0", "3"),
    )


def test_drawn_twice_is_the_same_and_fits_a_phone(study: Path) -> None:
    figure = tuning(study)
    first = draw(figure)
    assert first == draw(figure) and draw_narrow(figure) == draw_narrow(figure)
    assert natural_width(draw_narrow(figure)) == pytest.approx(3.5 * 96)
    shown = {item.text for item in ET.fromstring(first["svg"]).iter("{http://www.w3.org/2000/svg}text")}
    assert {"books", "toys", "1e-05", "0.0001", "pt bert (n = 3)", "chosen", "validation accuracy (%)"} <= shown


@pytest.mark.filterwarnings("error")
def test_values_are_text(tmp_path: Path) -> None:
    for name in (EVIL, "=1+1", "x" * 300):
        write(tmp_path, trial(arch={"name": name}), [0.5], [0.4])
    figure = tuning(tmp_path, "arch.name")
    for drawn in (draw(figure)["svg"], draw_narrow(figure)):
        assert b"<script" not in drawn and b"\x1b" not in drawn
    (axes,) = draw_tuning(figure, narrow=True).axes
    assert all(len(label) <= 25 and "\n" not in label for _, label in ticks(axes))
    assert any("x" * 300 in cell for block in figure_table(figure).blocks for cells in block for cell in cells)
    cells = [cell for row in csv.reader(io.StringIO(figure_csv(figure))) for cell in row]
    assert not any(cell.startswith("=") or "\x1b" in cell for cell in cells)


@pytest.mark.parametrize("select", [None, "train.learning_rate"])
def test_where_nothing_is_tuned_or_one_value_was_tried_there_is_none(tmp_path: Path, select: Any) -> None:
    write_demo(tmp_path)
    comparison = asked(tmp_path, select) if select else compared(tmp_path)
    assert not [figure for figure in figures(comparison) if isinstance(figure, TuningFigure)]


def test_the_page_has_a_part_of_tuning(study: Path) -> None:
    comparison = asked(study)
    text = page(comparison, "grid", draw_figures(comparison))
    parts = re.findall(r'<section id="([\w-]+)"', text)
    assert parts.index("differences") < parts.index("tuning") < parts.index("curves")
    own = text[text.index('<section id="tuning"') : text.index('<section id="curves"')]
    assert "Chosen on validation" in own and "All values that were tried" in own
    assert "Tuning: validation accuracy (%) against learning_rate" in own
    assert own.count("<figure") == 1
