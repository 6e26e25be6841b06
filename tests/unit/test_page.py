"""The HTML report: what it holds, and that nothing in it is more than text."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from sweeper.analysis.grouping import compare_study
from sweeper.analysis.reference import read_reference
from sweeper.analysis.reference_rows import with_reference
from sweeper.records.study import open_study
from sweeper.report.page import ROWS_SHOWN, draw_figures, page, page_table
from sweeper.report.text import TextTable
from sweeper.trial.outcome import Failure, Status
from tests.records import rendered, trial, write, write_demo, write_plan

EVIL = '</script><script>alert("1")</script><img src=x onerror=alert(1)>&amp;\x1b[31m'
OF_OTHERS = ("src", "srcset", "data", "action", "poster", "background")  # attributes that fetch
VOID = ("meta", "link", "br", "img", "input", "hr")


@dataclass
class Parsed(HTMLParser):
    """Elements and texts of a page."""

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)


def parsed(text: str) -> Parsed:
    found = Parsed()
    found.feed(text)
    found.close()
    assert found.open == []
    return found


def page_of(study: Path) -> str:
    opened = open_study(study)
    comparison = compare_study(opened)
    return page(comparison, opened.name, draw_figures(comparison))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> str:
    study = tmp_path_factory.mktemp("studies") / "demo"
    write_demo(study)
    write(study, trial("pt", seed=9), status=Status.FAILED, error=Failure("ValueError", "no", "log"))
    return page_of(study)


def test_it_has_tables_figures_sentences_and_notes(demo: str) -> None:
    found = parsed(demo)
    text = re.sub(r"\s+", " ", " ".join(found.texts))
    assert found.count("figure") == 5
    assert found.count("svg") == 2 * 5, "one for a screen and one for a phone"
    assert "pt (hf) is 20.0 points above rd in mean test accuracy" in text
    assert "test was never used to choose" in text
    assert "not counted: pt hf seed 9 (failed: ValueError)" in text
    assert "92.0 ± 1.0" in text
    assert "python -m" not in text.split("Provenance")[0]


def test_nothing_is_fetched_and_only_its_own_script_may_run(demo: str) -> None:
    found = parsed(demo)
    for _, attributes in found.elements:
        assert not set(attributes).intersection(OF_OTHERS)
        assert not any(name.startswith("on") for name in attributes)
        link = attributes.get("href", "#") or ""
        assert link.startswith(("#", "data:"))
    assert not re.search(r"@import|url\((?!#)", demo)
    policy = next(a["content"] for tag, a in found.elements if tag == "meta" and "http-equiv" in a)
    script = demo.partition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert f"script-src 'sha256-{digest}';" in policy


def test_headings_and_ids_are_in_order(demo: str) -> None:
    found = parsed(demo)
    identifiers = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    for _, attributes in found.elements:
        for name in ("aria-labelledby", "href"):
            value = attributes.get(name) or ""
            if name == "aria-labelledby" or value.startswith("#"):
                assert value.lstrip("#") in {*identifiers, ""}
    levels = [int(tag[1]) for tag, _ in found.elements if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_every_part_has_a_name_of_its_own_in_the_contents(tmp_path: Path) -> None:
    for model in ("pt", "rd"):
        for seed, data_seed in ((1, 1), (1, 2), (2, 1), (2, 2)):
            made = trial(model, "fairseq", seed, data_seed=data_seed)
            write(tmp_path, made, [0.5 + 0.1 * seed], [0.4 + 0.1 * seed * data_seed])
    shipped = Path(__file__).parents[2] / "conf/reference/pt_vs_rd_cls_books.yaml"
    comparison = with_reference(compare_study(open_study(tmp_path)), read_reference(shipped))
    contents = re.findall(r'<a href="#[^"]*">([^<]*)</a>', page(comparison, "demo", draw_figures(comparison)))
    assert len(contents) == len(set(contents))
    assert {"Spread", "Published"} < set(contents)


def test_names_are_text(tmp_path: Path) -> None:
    study = tmp_path / "<b>study"
    for name in (EVIL, "=1+1"):
        facts = {"data": {"label_names": [EVIL, "b"], "class_counts": {"train": [9, 1]}, "leaked": {}, "notes": [EVIL]}}
        write(study, trial(arch={"name": name}), [0.5], [0.4], facts=facts)
    write(study, trial(seed=2, arch={"name": EVIL}), status=Status.FAILED, error=Failure(EVIL, EVIL, "log"))
    text = page_of(study)
    found = parsed(text)
    assert found.count("script") == 1
    assert found.count("img") == found.count("b") == 0
    assert "\x1b" not in text
    shown = " ".join(found.texts)
    assert '<script>alert("1")</script>' in shown
    assert "<b>study" in shown


def test_more_rows_than_a_browser_likes_are_left_to_a_file() -> None:
    blocks = tuple(((str(number),) * 2,) * 3 for number in range(ROWS_SHOWN))
    table = page_table(TextTable("Trials, all", ("a", "b"), 1, blocks))
    assert sum(map(len, table.blocks)) == table.rows == ROWS_SHOWN
    assert table.hidden == 2 * ROWS_SHOWN
    assert table.whole is not None and table.whole.name == "trials_all.csv"
    whole = base64.b64decode(table.whole.address.partition(",")[2]).decode().splitlines()
    assert (whole[0], len(whole)) == ("a,b", 1 + 3 * ROWS_SHOWN)


def test_the_page_says_which_rows_it_leaves_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweeper.report.page.ROWS_SHOWN", 4)
    write_demo(tmp_path)
    text = page_of(tmp_path)
    assert "The first 4 of 6 rows are shown" in text
    assert '<a download="trials_each_at_its_best_epoch.csv" href="data:text/csv' in text
    assert "The first 4 of 10 rows are shown" in text


def test_the_same_study_gives_the_same_page(tmp_path: Path) -> None:
    write_demo(tmp_path)
    assert page_of(tmp_path) == page_of(tmp_path)


def test_nothing_done_says_what_is_pending(tmp_path: Path) -> None:
    write_plan(tmp_path, [trial(seed=1)])
    text = " ".join(parsed(page_of(tmp_path)).texts)
    assert "Nothing is done yet: 1 planned." in text


def test_the_command_prints_the_page(tmp_path: Path) -> None:
    write_demo(tmp_path)
    printed = rendered(tmp_path, "html")
    assert parsed(printed).count("figure") == 5
    assert printed == page_of(tmp_path)


def test_the_files_of_figures_are_inside_the_page(tmp_path: Path) -> None:
    write_demo(tmp_path)
    comparison = compare_study(open_study(tmp_path))
    drawn = draw_figures(comparison)
    found = {
        attributes["download"]: base64.b64decode((attributes["href"] or "").partition(",")[2])
        for tag, attributes in parsed(page(comparison, "demo", drawn)).elements
        if tag == "a" and "download" in attributes
    }
    expected = {f"{item.file}.{ending}": content for item in drawn for ending, content in item.files.items()}
    assert expected.items() <= found.items()
    assert {*found} == {*expected, "trials.csv", "report.json"}


def test_the_first_screen_has_question_verdict_headline_and_ranking(tmp_path: Path) -> None:
    for model, base in (("pt", 0.8), ("rd", 0.6)):
        for framework in ("hf", "lora"):
            for seed in (1, 2):
                write(tmp_path, trial(model, framework, seed), [base], [base + seed / 100 + 0.1 * (framework == "hf")])
    text = page_of(tmp_path)
    order = [
        text.index(part)
        for part in (
            "Which model and framework has",
            "pt hf has the best mean",
            "Figure 1.",
            "Ranking by",
            'id="groups"',
        )
    ]
    assert order == sorted(order)
