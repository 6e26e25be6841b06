from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from scipy import stats

from sweeper.analysis.reference import Reference, read_reference
from sweeper.analysis.reference_rows import reference_epoch_rows, reference_rows, with_reference
from sweeper.analysis.rows import Comparison
from sweeper.config.sources import CONFIG_DIRECTORY
from sweeper.data.cls_books import ClsBooks
from sweeper.errors import WrongInput
from sweeper.report.__main__ import main
from sweeper.report.figures import figure_csv, figures
from sweeper.report.figures.drawing import draw
from sweeper.report.notes import notes
from tests.records import compared, trial, write
from tests.refusals import refusal_of

SHIPPED = CONFIG_DIRECTORY / "reference/pt_vs_rd_cls_books.yaml"
MINIMAL = """\
source: s
metric: accuracy
data: {data: cls_books}
groups:
  - group: {model: pt}
    test: {mean: 0.7, sd: 0.1, n: 4}
"""


def write_study(study: Path, pool: bool = True) -> Comparison:
    """The published study's groups, by default on its data."""
    books = ClsBooks(path="books", pool=pool, validation_size=200)
    for model, base in (("pt", 0.8), ("rd", 0.6)):
        for seed in (1, 2, 3):
            made = replace(trial(model, "fairseq", seed, "cls_books"), data=books)
            write(study, made, [base, base + 0.01 * seed], [base, base + 0.01 * seed])
    return compared(study)


def test_the_shipped_numbers_are_the_published_ones() -> None:
    known = read_reference(SHIPPED)
    pt, rd = known.groups
    assert pt.values["test"] == pytest.approx((0.793, 0.785, 0.801))
    assert rd.values["test"] == pytest.approx((0.654, 0.667, 0.682))
    assert pt.values["validation"] == pytest.approx((0.81, 0.80, 0.835))
    assert rd.values["validation"] == pytest.approx((0.62, 0.65, 0.625))
    assert (pt.steps, rd.steps) == ((675, 675, 900), (900, 450, 900))
    assert [item.mean for item in pt.epochs["test"]] == pytest.approx([0.704, 0.754, 0.7913, 0.7923, 0.7993])
    assert [item.sd for item in rd.epochs["test"]] == pytest.approx([0.0167, 0.0422, 0.0149, 0.0261, 0.0031])
    assert (pt.group, known.sd) == ({"model": "pt", "framework": "fairseq"}, "not stated")


def test_published_numbers_stand_beside_ours_with_the_difference(tmp_path: Path) -> None:
    comparison = with_reference(write_study(tmp_path), read_reference(SHIPPED))
    rows = {(row.factors[0], row.split): row for row in reference_rows(comparison)}
    pt = rows["pt", "test"]
    ours = [0.8 + 0.01 * seed for seed in (1, 2, 3)]  # of the best epoch, the second
    expected = stats.ttest_ind(ours, (0.793, 0.785, 0.801), equal_var=False).confidence_interval(0.95)
    assert pt.difference is not None and pt.difference.difference == pytest.approx(0.82 - 0.793)
    assert [pt.difference.low, pt.difference.high] == pytest.approx([expected.low, expected.high])
    assert (pt.published_steps, pt.our_steps) == ((675, 675, 900), (50, 50, 50))
    epochs = [row for row in reference_epoch_rows(comparison) if row.factors[0] == "rd"]
    assert [row.epoch for row in epochs] == [1, 2, 3, 4, 5]
    assert epochs[0].difference == pytest.approx(0.6 - 0.5123)
    assert (epochs[4].ours.n, epochs[4].difference) == (0, None)  # this study has two epochs


def test_numbers_of_other_data_stand_beside_and_are_never_subtracted(tmp_path: Path) -> None:
    comparison = with_reference(write_study(tmp_path, pool=False), read_reference(SHIPPED))
    assert [row.difference for row in reference_rows(comparison)] == [None] * 4
    assert [row.difference for row in reference_epoch_rows(comparison)] == [None] * 10
    assert "CAUTION: published numbers that were made on other data stand beside, and are not subtracted." in notes(
        comparison
    )


@pytest.mark.parametrize(
    ("change", "subtracted"),
    [
        (("data: {data: cls_books}\n", ""), False),  # nothing says on what
        (("data: {data: cls_books}\n", "data: {data: demo}\n"), False),
        (("data: {data: cls_books}\n", "data: {data: cls_books, data.limit: 100}\n"), False),
        (("data: {data: cls_books}\n", "data: {data: cls_books, data.path: books}\n"), True),
        (("group: {model: pt}", "group: {model: pt, data: cls_books}"), True),
    ],
)
def test_what_is_subtracted_is_of_the_same_data(change: tuple[str, str], subtracted: bool, tmp_path: Path) -> None:
    assert change[0] in MINIMAL
    comparison = with_reference(write_study(tmp_path / "study"), read(MINIMAL.replace(*change), tmp_path))
    (row,) = reference_rows(comparison)
    assert row.published.mean == 0.7 and row.ours.mean == pytest.approx(0.82)
    assert (row.difference is not None) is subtracted
    named = [line for line in notes(comparison) if "data: {data: cls_books} says that it is this" in line]
    assert len(named) == ("cls_books" not in change[1] and "demo" not in change[1])


def read(content: str, tmp_path: Path) -> Reference:
    file = tmp_path / "reference.yaml"
    file.write_text(content)
    return read_reference(file)


def test_an_sd_of_unknown_kind_makes_no_interval(tmp_path: Path) -> None:
    comparison = write_study(tmp_path / "study")
    for kind, interval in (("sample", True), ("population", False), ("not stated", False)):
        (row,) = reference_rows(with_reference(comparison, read(f"sd: {kind}\n{MINIMAL}", tmp_path)))
        assert row.difference is not None and (row.difference.low is not None) == interval
        assert row.published.sd == 0.1


def test_a_group_is_found_by_settings_that_all_its_trials_share(tmp_path: Path) -> None:
    comparison = write_study(tmp_path / "study")
    known = read(MINIMAL.replace("{model: pt}", "{model: pt, data: cls_books, train.epochs: 5}"), tmp_path)
    assert len(list(reference_rows(with_reference(comparison, known)))) == 1


@pytest.mark.parametrize(
    ("group", "said"),
    [
        ("{model: xx}", ("no group model=xx", "model=pt framework=fairseq; model=rd framework=fairseq")),
        ("{model: pt, framework: hf}", ("no group model=pt framework=hf", "model=pt framework=fairseq")),
        ("{modle: pt}", ("no factor is called modle", "model, framework")),
    ],
)
def test_unknown_groups_are_refused_with_those_that_exist(group: str, said: tuple[str, ...], tmp_path: Path) -> None:
    comparison = write_study(tmp_path / "study")
    refusal = refusal_of(with_reference, comparison, read(MINIMAL.replace("{model: pt}", group), tmp_path))
    assert all(words in refusal for words in said)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "the file: expected mapping, got null\nallowed there: keys source, metric, groups"),
        ("- 1", "the file: expected mapping, got list"),
        ("source: [", "line 1 is not YAML"),
        ("source: s\nmetric: m\n", "the file: mapping missing required field groups"),
        (
            "source: s\nmetric: m\ngroups: []\n",
            "groups: expected list of length >= 1\nallowed there: a list, as in [{group: {model: pt}",
        ),
        (f"unit: percent\n{MINIMAL}", "unit=percent: invalid enum value 'percent'\nallowed there: per cent, share"),
        (
            f"sd: sigma\n{MINIMAL}",
            "sd=sigma: invalid enum value 'sigma'\nallowed there: sample, population, not stated",
        ),
        (f"sources: x\n{MINIMAL}", "the file: mapping contains unknown field sources"),
        (
            MINIMAL.replace("mean: 0.7", "mean: high"),
            "groups[0].test.mean=high: expected float, got str\nallowed there: one number a seed",
        ),
        (
            MINIMAL.replace("mean: 0.7", "mean: .nan"),
            "groups[0].test: nan is no finite number\nallowed there: one number a seed",
        ),
        (MINIMAL.replace("mean: 0.7, ", ""), "groups[0].test: mapping missing required field mean"),
        (MINIMAL.replace("n: 4", "n: x"), "groups[0].test.n=x: expected int, got str"),
        (
            MINIMAL.replace("{mean: 0.7, sd: 0.1, n: 4}", "[0.7, true]"),
            "groups[0].test[1]=True: expected float, got bool",
        ),
        (
            MINIMAL.replace("{model: pt}", "pt"),
            "groups[0].group=pt: expected mapping, got str\nallowed there: values of factors",
        ),
        (MINIMAL.replace("    test: {mean: 0.7, sd: 0.1, n: 4}\n", ""), "groups[0]: no numbers; needed: test"),
        (MINIMAL + "    epochs: {test: {mean: [0.1, 0.2], sd: [0.1]}}\n", "groups[0].epochs.test: 2 means and 1 sds"),
        (
            MINIMAL + "    epochs: {train: {mean: [0.1]}}\n",
            "groups[0].epochs: mapping contains unknown field train\nallowed there: keys test, validation",
        ),
        (MINIMAL + "    steps: 675\n", "groups[0].steps=675: expected list, got int"),
        (MINIMAL.replace("{mean: 0.7, sd: 0.1, n: 4}", "[0.7, 0.8]") + "    steps: [1]\n", "steps has 1 numbers"),
        (MINIMAL.replace("n: 4", "n: 0"), "groups[0].test.n=0: expected int >= 1"),
        (MINIMAL.replace("sd: 0.1", "sd: -0.1"), "groups[0].test.sd=-0.1: expected float >= 0.0"),
        (MINIMAL + MINIMAL.partition("groups:\n")[2], "groups[1].group is there twice"),
    ],
)
def test_a_malformed_file_is_refused_with_the_place(content: str, said: str, tmp_path: Path) -> None:
    refusal = refusal_of(read, content, tmp_path)
    assert said in refusal and str(tmp_path) in refusal


def test_no_file_and_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name in ("nowhere.yaml", "binary", "."):
        with pytest.raises(WrongInput, match="reference="):
            read_reference(tmp_path / name)


def test_in_every_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_study(tmp_path)
    for format_name in ("terminal", "markdown", "latex"):
        main([str(tmp_path), f"reference={SHIPPED}", "--format", format_name])
        text = capsys.readouterr().out
        assert "675, 675, 900" in text and "published study of pretrained" in text
    main([str(tmp_path), f"reference={SHIPPED}", "--format", "json"])
    found = json.loads(capsys.readouterr().out)
    assert found["reference"][0]["published"]["mean"] == pytest.approx(0.815)
    assert found["reference_epochs"][0]["published_sd"] == pytest.approx(0.0192)


def test_published_means_are_in_the_figure_of_their_set_and_in_its_data(tmp_path: Path) -> None:
    comparison = with_reference(write_study(tmp_path), read_reference(SHIPPED))
    drawn = {figure.name: figure for figure in figures(comparison)}
    test, validation = drawn["test_accuracy"], drawn["validation_accuracy"]
    rows = csv.DictReader(io.StringIO(figure_csv(test)))
    published = [row for row in rows if row["trial"] == "published"]
    assert [row["model"] for row in published] == ["pt"] * 5 + ["rd"] * 5
    assert [float(row["value"]) for row in published[:5]] == pytest.approx([0.704, 0.754, 0.7913, 0.7923, 0.7993])
    assert "published means (published study of pretrained" in test.caption
    assert "published" not in validation.caption + figure_csv(validation)
    svg = draw(test)["svg"].decode()
    assert ">published<" in svg and ">published<" not in draw(validation)["svg"].decode()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("mean: 0.7", "mean: 70"), "accuracy of model=pt is no share"),
        (("metric: accuracy", "metric: recall"), "no trial has measured recall"),
    ],
)
def test_what_cannot_be_of_this_study_is_refused(change: tuple[str, str], said: str, tmp_path: Path) -> None:
    comparison = write_study(tmp_path)
    with pytest.raises(WrongInput, match=said):
        with_reference(comparison, read(MINIMAL.replace(*change), tmp_path))
