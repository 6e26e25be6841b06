"""What the figures show, and how they are drawn."""

from __future__ import annotations

import csv
import io
import math
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from sweeper.report.figures import Figure, figure_csv, figures
from sweeper.report.figures.curves import LINES_DRAWN, SERIES_PER_PANEL, CurveFigure
from sweeper.report.figures.drawing import draw, draw_narrow
from sweeper.report.figures.intervals import IntervalFigure
from sweeper.report.figures.looks import COLOURS, look
from sweeper.report.figures.styles import Style, wrapped
from sweeper.report.figures.tables import figure_table
from sweeper.report.inline_svg import inline_svg, natural_width
from sweeper.trial.outcome import Metric
from tests.comparisons import grid, write_grid
from tests.records import compared, epochs, trial, write, write_demo

EVIL = '<script>alert("1")</script>&$x_1$\x1b[31m'
QA = {"name": "qa", "selection_metric": "loss", "greater_is_better": False}


def by_name(study: Path) -> dict[str, Figure]:
    return {figure.name: figure for figure in figures(compared(study))}


def curve(study: Path, name: str) -> CurveFigure:
    figure = by_name(study)[name]
    assert isinstance(figure, CurveFigure)
    return figure


def texts(svg: bytes) -> list[str]:
    return [item.text or "" for item in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def data_rows(figure: Figure) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(figure_csv(figure))))


def test_the_demo_has_curves_groups_and_differences(tmp_path: Path) -> None:
    write_demo(tmp_path)
    assert list(by_name(tmp_path)) == [
        "headline_accuracy",
        "groups_accuracy",
        "differences_accuracy",
        "test_accuracy",
        "validation_accuracy",
    ]


def test_a_curve_is_its_trials_and_their_mean(tmp_path: Path) -> None:
    write_demo(tmp_path)
    (panel,) = curve(tmp_path, "test_accuracy").panels
    assert [series.label for series in panel.series] == ["pt", "rd"]
    # tests.records: 0.8 + seed / 100 + (0, 0.05, 0.1, 0.1, 0.08) - 0.02 on test.
    pt = panel.series[0]
    assert [line.values[3] for line in pt.lines] == pytest.approx([0.89, 0.90, 0.91])
    assert (pt.epochs[3].n, pt.epochs[3].mean, pt.epochs[3].sd) == pytest.approx((3, 0.90, 0.01))


def test_the_data_beside_a_curve_is_all_of_it(tmp_path: Path) -> None:
    write_demo(tmp_path)
    rows = data_rows(curve(tmp_path, "test_accuracy"))
    assert list(rows[0]) == ["model", "framework", "trial", "seed", "data_seed", "epoch", "value", "sd", "n"]
    assert len(rows) == 6 * 5 + 2 * 5
    means = [row for row in rows if not row["trial"]]
    third = next(row for row in means if (row["model"], row["epoch"]) == ("pt", "3"))
    assert [float(third[name]) for name in ("value", "sd", "n")] == pytest.approx([0.90, 0.01, 3])


def test_validation_is_faceted_by_framework_and_test_is_not(tmp_path: Path) -> None:
    for framework in ("hf", "fairseq"):
        for model in ("pt", "rd"):
            write(tmp_path, trial(model, framework), [0.5, 0.6], [0.5, 0.6])
    assert [panel.title for panel in curve(tmp_path, "test_accuracy").panels] == [""]
    panels = curve(tmp_path, "validation_accuracy").panels
    assert [(panel.title, [series.label for series in panel.series]) for panel in panels] == [
        ("hf", ["pt hf", "rd hf"]),
        ("fairseq", ["pt fairseq", "rd fairseq"]),
    ]
    (whole,) = curve(tmp_path, "test_accuracy").panels
    looks = {series.label: series.style for series in whole.series}
    assert {series.label: series.style for panel in panels for series in panel.series} == looks


def test_many_groups_are_parted_until_each_can_be_told(tmp_path: Path) -> None:
    rates = [10.0**-power for power in range(1, 7)]
    for rate in rates:
        for model in ("pt", "rd"):
            write(tmp_path, trial(model, train={"learning_rate": rate}), [0.5, 0.6], [0.5, 0.6])
    figure = curve(tmp_path, "test_accuracy")
    assert max(len(panel.series) for panel in figure.panels) <= SERIES_PER_PANEL
    assert sum(len(panel.series) for panel in figure.panels) == 12
    looks = {str(look(series.style)) for series in figure.panels[0].series}
    assert len(looks) == len(figure.panels[0].series)


def test_what_is_not_drawn_is_said(tmp_path: Path) -> None:
    write_demo(tmp_path, seeds=range(1, LINES_DRAWN // 2 + 2))
    figure = curve(tmp_path, "test_accuracy")
    assert not figure.lines_drawn
    assert f"Single trials ({LINES_DRAWN + 2:,}) are too many to be drawn" in figure.caption
    assert len(data_rows(figure)) == (LINES_DRAWN + 2) * 5 + 2 * 5  # the CSV has them
    assert [row[1] for row in figure_table(figure).blocks[0]] == ["mean", "sd", "n"]


def test_styles_differ_without_colour() -> None:
    first = [look(Style(number, number)) for number in range(len(COLOURS))]
    assert len({(str(style["linestyle"]), style["marker"]) for style in first}) == len(COLOURS)
    every = [look(Style(number, number)) for number in range(3 * len(COLOURS))]
    assert len({(style["color"], str(style["linestyle"]), style["marker"]) for style in every}) == len(every)
    crossed = [look(Style(colour, shape)) for colour in range(4) for shape in range(8)]
    assert len({(str(style["linestyle"]), style["marker"]) for style in crossed}) == len(crossed)


def test_the_first_factor_gives_colours_and_the_others_shapes_everywhere(tmp_path: Path) -> None:
    for model in ("pt", "rd"):
        for framework in ("hf", "fairseq", "lora"):
            write(tmp_path, trial(model, framework), [0.5, 0.6], [0.5, 0.6 if model == "pt" else 0.7])
    found = by_name(tmp_path)
    seen: dict[str, set[Style]] = {}
    for figure in found.values():
        if isinstance(figure, CurveFigure):
            pairs = [(series.label, series.style) for series in figure.series]
        elif isinstance(figure, IntervalFigure) and "differences" not in figure.name:
            pairs = list(zip((label.partition(" (")[0] for label in figure.labels), figure.styles, strict=True))
        for label, style in pairs:
            seen.setdefault(label, set()).add(style)
    assert all(len(styles) == 1 for styles in seen.values())
    looks = {label: styles.pop() for label, styles in seen.items()}
    assert len(looks) == 6
    assert len({style.colour for label, style in looks.items() if label.startswith("pt ")}) == 1
    assert len({style.shape for label, style in looks.items() if label.endswith(" lora")}) == 1
    assert len({style.colour for style in looks.values()}) == 2
    assert len({style.shape for style in looks.values()}) == 3


def test_the_headline_has_every_trial_the_best_group_first_and_data_apart(tmp_path: Path) -> None:
    for data, base in (("books", 0.9), ("toys", 0.5)):
        for model, value in (("pt", base - 0.1), ("rd", base)):
            for seed in (1, 2):
                write(tmp_path, trial(model, seed=seed, data=data), [value], [value + seed / 100])
    first, second = (figure for name, figure in by_name(tmp_path).items() if name.startswith("headline"))
    assert isinstance(first, IntervalFigure) and isinstance(second, IntervalFigure)
    assert ["books" in first.title, "toys" in second.title] == [True, True]
    assert first.labels == second.labels == ("rd (n = 2)", "pt (n = 2)")
    best = first.columns["test"][0]
    assert best is not None and sorted(best.values) == pytest.approx([0.91, 0.92])


def test_of_a_loss_the_smaller_is_first(tmp_path: Path) -> None:
    for model, loss in (("pt", 2.0), ("rd", 1.0)):
        write(tmp_path, trial(model, task=QA), [loss], [loss])
    headline = by_name(tmp_path)["headline_loss"]
    assert isinstance(headline, IntervalFigure)
    assert headline.labels == ("rd (n = 1)", "pt (n = 1)")


@pytest.mark.parametrize(
    "label", ["pt", "pt path zoo/a/very-long-name-of-a-model/flaubert_base_cased (n = 3)", "word " * 30, "x" * 70]
)
def test_a_label_is_parted_into_lines_and_loses_nothing(label: str) -> None:
    lines = wrapped(label, 30).split("\n")
    assert max(map(len, lines)) <= 30
    if len(label) < 100:
        assert "".join(lines).replace(" ", "") == label.replace(" ", "")
    else:
        assert "…" in lines


def test_a_phone_s_drawing_is_as_narrow_as_a_phone(tmp_path: Path) -> None:
    for framework in ("hf", "fairseq"):
        write(tmp_path, trial("pt", framework), [0.5, 0.6], [0.5, 0.6])
    for figure in figures(compared(tmp_path)):
        assert natural_width(draw_narrow(figure)) == pytest.approx(3.5 * 96), figure.name


def test_every_colour_is_named_so_that_a_page_can_change_it(tmp_path: Path) -> None:
    for number in range(len(COLOURS)):
        write(tmp_path, trial(train={"learning_rate": 10.0**-number}), [0.5, 0.6], [0.4, 0.5])
    inline = inline_svg(draw(curve(tmp_path, "test_accuracy"))["svg"], "figure", "title")
    for number in range(len(COLOURS)):
        assert f"fill: var(--series-{number})" in inline  # marks
    assert "#000000" not in inline


def test_one_seed_has_no_band_and_one_epoch_has_marks(tmp_path: Path) -> None:
    write(tmp_path / "seed", trial(), [0.5, 0.6], [0.4, 0.5])
    write(tmp_path / "epoch", trial(), [0.5], [0.4])
    for study, sign in (("seed", "Band"), ("epoch", "Bars")):
        figure = curve(tmp_path / study, "test_accuracy")
        assert sign in figure.caption
        assert b"<svg" in draw(figure)["svg"]
        (row,) = (row for row in data_rows(figure) if not row["trial"] and row["epoch"] == "1")
        assert (row["sd"], row["n"]) == ("", "1")


def test_a_study_without_test_has_no_test_figure(tmp_path: Path) -> None:
    write(tmp_path, trial(), more=[Metric("valid", "accuracy", 0.5, 1, 25, 1000.0)])
    assert list(by_name(tmp_path)) == ["headline_accuracy", "groups_accuracy", "validation_accuracy"]


def test_nothing_done_has_no_figure(tmp_path: Path) -> None:
    write(tmp_path, trial(), [0.5], [0.4], status=None)
    assert figures(compared(tmp_path)) == []


def test_perplexity_stands_for_the_loss_that_selects(tmp_path: Path) -> None:
    more = [
        Metric(split, name, value, epoch, epoch * 25, 1000.0)
        for epoch in (1, 2)
        for split in ("valid", "test")
        for name, value in (("perplexity", 1000.0 / 100**epoch), ("exact_match", 0.5), ("token_f1", 0.5))
    ]
    write(tmp_path, trial(framework="lora", task=QA), [2.0, 1.0], [2.0, 1.0], more=more)
    figure = curve(tmp_path, "test_perplexity")
    assert figure.axis == "test perplexity"
    shown = texts(draw(figure)["svg"])
    assert {"0.2", "1", "10"} <= set(shown)  # a logarithmic axis, with plain numbers


def test_what_is_no_number_is_a_gap(tmp_path: Path) -> None:
    write(tmp_path, trial(), [0.5, 0.6, 0.7], [0.4, math.nan, 0.5])
    figure = curve(tmp_path, "test_accuracy")
    assert [row["value"] for row in data_rows(figure) if not row["trial"]] == ["0.4", "nan", "0.5"]
    assert not re.search(rb"\bnan\b", draw(figure)["svg"].lower())


def test_intervals_are_students_on_the_logit_s_scale(tmp_path: Path) -> None:
    write_demo(tmp_path)
    found = by_name(tmp_path)
    groups = found["groups_accuracy"]
    assert isinstance(groups, IntervalFigure)
    pt = groups.columns["test"][0]
    # Three values 0.89, 0.90, 0.91: sd 0.01, t(2) = 4.3027, so ln(0.9 / 0.1) ± 4.3027 · 0.01 / √3 / (0.9 · 0.1).
    assert pt is not None
    low, high = (1 / (1 + math.exp(-(math.log(9) + sign * 0.276016))) for sign in (-1, 1))
    assert (pt.mean, pt.low, pt.high) == pytest.approx((0.90, low, high), abs=1e-5)
    assert sorted(pt.values) == pytest.approx([0.89, 0.90, 0.91])
    differences = found["differences_accuracy"]
    assert isinstance(differences, IntervalFigure)
    assert differences.labels == ("pt − rd",)


def test_drawn_twice_is_the_same_text_stays_text(tmp_path: Path) -> None:
    write_demo(tmp_path)
    for figure in figures(compared(tmp_path)):
        first, again = draw(figure), draw(figure)
        assert first == again
        assert set(first) == {"svg", "pdf", "png"}
        assert first["pdf"].startswith(b"%PDF")
        assert first["png"].startswith(b"\x89PNG")
        assert b"<dc:date>" not in first["svg"]
    shown = texts(draw(curve(tmp_path, "test_accuracy"))["svg"])
    assert {"pt (n = 3)", "rd (n = 3)", "epoch", "test accuracy (%)"} <= set(shown)


@pytest.mark.filterwarnings("error")
def test_names_are_text_in_every_file(tmp_path: Path) -> None:
    for name in (EVIL, "=1+1", "名字"):
        write(tmp_path, trial(arch={"name": name}), [0.5, 0.6], [0.4, 0.5])
    for figure in figures(compared(tmp_path)):
        drawn = draw(figure)["svg"]
        assert b"<script" not in drawn
        assert b"\x1b" not in drawn
        assert "<script" not in inline_svg(drawn, "figure-1", "title")
        cells = [cell for row in csv.reader(io.StringIO(figure_csv(figure))) for cell in row]
        assert not any(cell.startswith("=") for cell in cells)
    shown = " ".join(texts(draw(curve(tmp_path, "test_accuracy"))["svg"]))
    assert "$x_1$" in shown  # no mathematics of Matplotlib's
    assert "名字" in shown


def test_an_inline_svg_is_in_the_pages_colours_and_refers_to_itself(tmp_path: Path) -> None:
    write_demo(tmp_path)
    inline = [
        inline_svg(draw(figure)["svg"], f"f{number}", f"t{number}")
        for number, figure in enumerate(figures(compared(tmp_path)))
    ]
    identifiers = []
    for text in inline:
        root = ET.fromstring(text)
        own = [item.attrib["id"] for item in root.iter() if "id" in item.attrib]
        referred = {value.strip("url()#") for item in root.iter() for value in item.attrib.values() if "#" in value}
        assert referred == set(own)
        identifiers += own
        assert "currentColor" in text
        assert ("var(--series-0)" in text) is (text != inline[2]), "a difference is of no group's colour"
        assert not set(COLOURS).intersection(text.split('"'))
        assert "#ffffff" not in text
        assert "xlink" not in text
        assert root.attrib["role"] == "img"
    assert len(identifiers) == len(set(identifiers))


def test_the_table_beside_a_figure_has_its_numbers(tmp_path: Path) -> None:
    write_demo(tmp_path)
    found = by_name(tmp_path)
    table = figure_table(found["test_accuracy"])
    assert table.heads == ("group", "", "1", "2", "3", "4", "5")
    assert table.blocks[0] == (
        ("pt", "seed 1", "79.0", "84.0", "89.0", "89.0", "87.0"),
        ("pt", "seed 2", "80.0", "85.0", "90.0", "90.0", "88.0"),
        ("pt", "seed 3", "81.0", "86.0", "91.0", "91.0", "89.0"),
        ("pt", "mean", "80.0", "85.0", "90.0", "90.0", "88.0"),
        ("pt", "sd", "1.0", "1.0", "1.0", "1.0", "1.0"),
        ("pt", "n", "3", "3", "3", "3", "3"),
    )
    assert figure_table(found["groups_accuracy"]).blocks[0][0][5:] == ("90.0", "87.2", "92.2", "3")


def test_a_long_training_is_spread_over_its_table(tmp_path: Path) -> None:
    values = [0.5] * 100
    write(tmp_path, trial(), values, values)
    table = figure_table(curve(tmp_path, "test_accuracy"))
    shown = [int(head) for head in table.heads[2:]]
    assert (shown[0], shown[-1], len(shown)) == (1, 100, 40)
    assert "60 epochs in between left out" in table.title


def test_epochs_of_other_metrics_do_not_mix(tmp_path: Path) -> None:
    other: list[Any] = [item for item in epochs([0.1], [0.1], "macro_f1") if item.split != "train"]
    write(tmp_path, trial(), [0.5], [0.4], more=other)
    assert [row["value"] for row in data_rows(curve(tmp_path, "test_accuracy"))] == ["0.4", "0.4"]


def test_a_group_looks_the_same_on_every_data_set_and_in_every_figure(tmp_path: Path) -> None:
    write_grid(tmp_path, list(grid(rates=[1e-5])))
    comparison = compared(tmp_path)
    position = comparison.factors.index("data.path")
    looks: dict[tuple[object, ...], set[Style]] = {}
    for figure in figures(comparison):
        if isinstance(figure, CurveFigure):
            for series in figure.series:
                looks.setdefault(series.group[:position], set()).add(series.style)
        elif figure.name.startswith("headline"):
            assert isinstance(figure, IntervalFigure)
            for label, style in zip(figure.labels, figure.styles, strict=True):
                model, path, *_ = label.split()
                looks.setdefault((model, "hf", f"zoo/{path}"), set()).add(style)
    assert len(looks) == 6 and all(len(found) == 1 for found in looks.values())
    assert len({style for found in looks.values() for style in found}) == 6
