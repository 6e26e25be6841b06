"""The HTML report and MLflow's own pages in a real browser, wide and on a phone."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Literal

import pytest
from mlflow import MlflowClient
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, expect, sync_playwright

from sweeper.analysis.grouping import compare_study
from sweeper.records.question import question
from sweeper.records.study import open_study
from sweeper.report.directory import write_report
from sweeper.sync import synchronise
from sweeper.tracking.state import runs_address, study_address
from sweeper.trial.outcome import Failure, Status
from tests.comparisons import write_grid
from tests.integration.mlflow_server import mlflow_server
from tests.records import trial, write, write_demo

CHROMIUM = shutil.which("chromium")
OPTIONS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    *(["--no-sandbox"] if os.geteuid() == 0 else []),  # chromium's own does not work for root
)
PHONE, DESKTOP = 375, 1440
TUNED = 12
PATIENCE_MS = 600_000
OF_MLFLOW = "/mlflow/users/current"  # its own pages ask for it, and a server without accounts answers 404
RESIZED = "ResizeObserver loop"  # MLflow's pages say it of themselves where a machine is busy; browsers draw again
EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>"

expect.set_options(timeout=PATIENCE_MS)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; on Debian: apt-get install chromium"),
]


@dataclass
class Seen:
    """A page, what it complained of, and what it asked for."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self.note)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self.note_request)

    def note(self, message: ConsoleMessage) -> None:
        address = str(message.location.get("url"))
        is_slow = RESIZED in message.text and "/static-files/" in address
        if message.type == "error" and not address.endswith(OF_MLFLOW) and not is_slow:
            self.errors.append(f"{message.text} ({address})")

    def note_request(self, request: Request) -> None:
        self.requests.append(request.url)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with sync_playwright() as playwright:  # which makes a new profile for every start
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield started
        started.close()


@pytest.fixture(params=[PHONE, DESKTOP])
def seen(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Seen]:
    context = browser.new_context(viewport={"width": request.param, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    yield Seen(context.new_page())
    context.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = tmp_path_factory.mktemp("studies") / "demo"
    write_demo(study)
    for framework in ("fairseq", "lora"):
        for seed in (1, 2):
            write(study, trial("pt", framework, seed=seed), [0.5, 0.7 + seed / 100], [0.4, 0.6 + seed / 100])
    write(study, trial("pt", seed=9), status=Status.FAILED, error=Failure("ValueError", "no", "log"))
    return write_report(study) / "report.html"


def column(page: Page, section: str, head: str) -> list[str]:
    """Texts of a column of a section's first table."""
    table = page.locator(f"#{section} table").first
    heads = [text.replace("\n", " ") for text in table.locator("thead th").all_text_contents()]
    place = next(number for number, text in enumerate(heads) if head in text)
    return table.locator(f"tbody td:nth-child({place + 1})").all_text_contents()


def unfold(page: Page, section: str) -> None:
    """Open a part of the page that is folded."""
    page.locator(f"#{section} > summary").click()


def test_the_report_shows_rows_and_figures_and_asks_for_nothing(seen: Seen, report: Path) -> None:
    page = seen.page
    page.goto(report.as_uri())
    assert column(page, "trials", "status").count("done") == 10
    assert column(page, "trials", "status").count("failed") == 1
    assert page.locator("figure").count() == page.locator("figure svg[role=img]:visible").count() == 5
    for figure in page.locator("figure").all():
        box = figure.locator("svg:visible").bounding_box()
        assert box is not None
        assert box["width"] > 250
        assert box["height"] > 80
    assert page.locator("#figure-1 svg:visible text", has_text="pt hf (n = 3)").count() == 1
    assert seen.requests == [report.as_uri()]
    assert seen.errors == []


@pytest.fixture(scope="module")
def sizes(tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    """Reports of 2, 6 and 40 groups, the names of some being long, and of tuned groups on two data sets."""
    found = {}
    paths = ("zoo/camembert-base", "zoo/a/very-long-name-of-a-model/flaubert_base_cased", "zoo/xlm-roberta-base")
    for number in (2, 6, 40):
        study = tmp_path_factory.mktemp("sizes") / f"groups-{number}"
        rates = [1e-5 * 2**power for power in range(10)] if number == 40 else [1e-3]
        frameworks = ("hf", "fairseq") if number == 40 else ("hf",)
        for model, rate, framework, path in product(
            ("pt", "rd"), rates, frameworks, paths if number == 6 else ("zoo/one",)
        ):
            for seed in (1, 2):
                base = (0.8 if model == "pt" else 0.6) + seed / 100
                digests = {"data": "d" * 64, "tokenizer": "t" * 64, "weights": path * 4}
                made = trial(model, framework, seed, train={"learning_rate": rate}, digests=digests)
                described = replace(made, model=replace(made.model, path=path))
                write(study, described, [base, base + 0.1], [base, base + 0.1])
        found[number] = (write_report(study) / "report.html").as_uri()
    study = tmp_path_factory.mktemp("sizes") / "tuned"
    write_grid(study)
    tuned = compare_study(open_study(study), asked=question({"select": "train.learning_rate"}))
    found[TUNED] = (write_report(study, lambda: tuned) / "report.html").as_uri()
    return found


# Elements that reach beyond the viewport though nothing that scrolls holds them
BEYOND = """() => [...document.querySelectorAll('body *')]
  .filter(item => item.checkVisibility() && !item.closest('.box') && !item.closest('svg *'))
  .filter(item => { const box = item.getBoundingClientRect();
                    return box.width && (box.right > innerWidth + 0.5 || box.left < -0.5); })
  .map(item => item.tagName + '.' + item.className + ' ' + item.textContent.slice(0, 40))"""
# Boxes that scroll and do not say so, or whose rows' names move away
UNMARKED = """() => [...document.querySelectorAll('.box')]
  .filter(box => box.checkVisibility() && box.scrollWidth > box.clientWidth + 1)
  .filter(box => {
    const said = getComputedStyle(box.parentElement, '::before').content.includes('scroll');
    const first = box.querySelector('tbody td'), left = first.getBoundingClientRect().left;
    box.scrollLeft = 60;
    const stays = Math.abs(first.getBoundingClientRect().left - left) < 1;
    box.scrollLeft = 0;
    return !said || !stays;
  }).map(box => box.textContent.slice(0, 60))"""
# Heights of letters in what is drawn, and of which a part is outside of its drawing
LETTERS = """() => [...document.querySelectorAll('svg')].filter(svg => svg.checkVisibility()).map(svg => {
  const frame = svg.getBoundingClientRect();
  return [...svg.querySelectorAll('text')].map(text => text.getBoundingClientRect()).map(
    box => [box.height, box.left < frame.left - 1 || box.right > frame.right + 1]);
}).flat()"""


@pytest.mark.parametrize("number", [2, 6, 40, TUNED])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, 768, DESKTOP])
def test_nothing_is_off_the_screen(
    browser: Browser, sizes: dict[int, str], width: int, scheme: Literal["light", "dark"], number: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(sizes[number])
    page.evaluate("() => { for (const part of document.querySelectorAll('details')) part.open = true; }")
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [width, width]
    assert page.evaluate(BEYOND) == []
    assert page.evaluate(UNMARKED) == []
    letters = page.evaluate(LETTERS)
    assert min(height for height, _ in letters) >= 10  # pixels, with what is above and below a letter
    assert not any(outside for _, outside in letters)
    context.close()


def test_the_answer_is_on_the_first_screen(seen: Seen, sizes: dict[int, str]) -> None:
    page = seen.page
    page.goto(sizes[2])
    for place in (".question", ".verdict", "#figure-1 svg:visible"):
        box = page.locator(place).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 900
    for link in page.locator("a").all():
        assert (link.get_attribute("href") or "").startswith(("#", "data:"))


def test_a_link_opens_a_folded_part_and_paper_shows_all(seen: Seen, report: Path) -> None:
    page = seen.page
    page.goto(report.as_uri())
    expect(page.locator("#trials table")).to_be_hidden()
    page.locator("nav a", has_text="Trials").click()
    expect(page.locator("#trials table")).to_be_visible()
    expect(page.locator("#notes li").first).to_be_hidden()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.locator("#notes li").first).to_be_visible()


def test_a_figure_is_downloaded_from_inside_the_page(seen: Seen, report: Path) -> None:
    page = seen.page
    page.goto(report.as_uri())
    for ending in ("PDF", "CSV"):
        with page.expect_download() as started:
            page.locator("#figure-1 figcaption a", has_text=ending).click()
        found = started.value
        beside = report.parent / "figures" / found.suggested_filename
        assert Path(found.path()).read_bytes() == beside.read_bytes()


def test_tables_are_sorted_by_mouse_and_keyboard(seen: Seen, report: Path) -> None:
    page = seen.page
    page.goto(report.as_uri())
    before = column(page, "trials", "test accuracy")
    assert "–" in before
    unfold(page, "trials")
    head = page.locator("#trials th", has_text="test")
    head.get_by_role("button").click()
    ascending = column(page, "trials", "test accuracy")
    assert ascending == sorted(before, key=lambda text: float("inf") if text == "–" else float(text))
    expect(head).to_have_attribute("aria-sort", "ascending")
    head.get_by_role("button").focus()
    page.keyboard.press("Enter")
    numbers = [float(text) for text in column(page, "trials", "test accuracy")[:-1]]
    assert numbers == sorted(numbers, reverse=True)
    assert column(page, "trials", "test accuracy")[-1] == "–"
    expect(head).to_have_attribute("aria-sort", "descending")
    page.keyboard.press("Space")
    assert column(page, "trials", "test accuracy") == before
    expect(head).not_to_have_attribute("aria-sort", "descending")
    assert seen.errors == []


def test_times_are_sorted_by_their_length(seen: Seen, tmp_path: Path) -> None:
    for seed, seconds in enumerate((7200.0, 59.0, 600.0), start=1):
        write(tmp_path, trial(seed=seed), [0.5], [0.4], seconds=seconds)
    seen.page.goto((write_report(tmp_path) / "report.html").as_uri())
    unfold(seen.page, "trials")
    seen.page.locator("#trials th", has_text="time").get_by_role("button").click()
    assert column(seen.page, "trials", "time") == ["59 s", "10 min 00 s", "2 h 00 min"]


@pytest.mark.parametrize(("scheme", "light"), [("light", True), ("dark", False)])
def test_it_follows_the_reader_s_colours(seen: Seen, report: Path, scheme: str, light: bool) -> None:
    page = seen.page
    page.emulate_media(color_scheme="light" if light else "dark")
    page.goto(report.as_uri())
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (brightness(paper) > 128) is light
    for place in ("body", "#figure-1 svg text", "td", "figcaption", "nav a"):
        property_name = "fill" if "svg" in place else "color"
        ink = page.evaluate(f"getComputedStyle(document.querySelector('{place}')).{property_name}")
        assert abs(brightness(ink) - brightness(paper)) > 90, (place, ink, paper)


def brightness(colour: str) -> float:
    """Mean of the three parts of "rgb(1, 2, 3)"."""
    parts = colour.partition("(")[2].rstrip(")").split(",")[:3]
    return sum(map(float, parts)) / 3


def test_on_paper_it_is_black_on_white_without_its_buttons(seen: Seen, report: Path) -> None:
    page = seen.page
    page.emulate_media(media="print", color_scheme="dark")
    page.goto(report.as_uri())
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    expect(page.locator("nav")).to_be_hidden()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.locator("#trials table")).to_be_visible()
    assert len(page.pdf()) > 10_000


def test_a_figure_s_data_opens_beside_it(seen: Seen, report: Path) -> None:
    page = seen.page
    page.goto(report.as_uri())
    data = page.locator("#curves details").first
    expect(data.locator("table")).to_be_hidden()
    data.locator("summary").click()
    expect(data.locator("td", has_text="seed 3").first).to_be_visible()
    expect(data.locator("td", has_text="mean").first).to_be_visible()


def test_names_run_nothing(seen: Seen, tmp_path: Path) -> None:
    for name in (EVIL, "plain"):
        write(tmp_path, trial(arch={"name": name}), [0.5], [0.4])
    dialogs: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    seen.page.on("dialog", dismiss)
    seen.page.goto((write_report(tmp_path) / "report.html").as_uri())
    assert EVIL in column(seen.page, "trials", "arch.name")
    assert (dialogs, seen.errors) == ([], [])


@pytest.fixture(scope="module")
def tracked(report: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    with mlflow_server(tmp_path_factory.mktemp("server")) as uri:
        synchronise(report.parents[1], uri)
        yield report.parents[1], uri


def test_mlflow_lists_the_runs(seen: Seen, tracked: tuple[Path, str]) -> None:
    study, uri = tracked
    address = runs_address(study, uri)
    assert address is not None
    seen.page.goto(address)
    row = seen.page.get_by_role("gridcell").filter(has=seen.page.get_by_role("link", name="demo", exact=True))
    row.get_by_role("button").first.click()  # the study's run unfolds
    for seed in (1, 2, 3):
        expect(seen.page.get_by_role("link", name=f"hf-pt-demo-s{seed}")).to_be_visible()
    assert seen.errors == []


def test_mlflow_shows_the_groups_numbers_and_the_report(seen: Seen, tracked: tuple[Path, str]) -> None:
    study, uri = tracked
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(study.name)
    (parent,) = client.search_runs([experiment.experiment_id], "tags.mlflow.runName = 'demo'")
    run = study_address(study, uri)
    assert run is not None and parent.info.run_id in run
    seen.page.goto(run)
    expect(seen.page.get_by_text("has the best mean test accuracy").first).to_be_visible()  # the description
    expect(seen.page.get_by_text("demo").first).to_be_visible()
    expect(seen.page.get_by_text("Datasets").first).to_be_visible()
    expect(seen.page.get_by_text("groups/pt hf/test_accuracy_mean").first).to_be_visible()
    seen.page.goto(f"{run.partition('?')[0]}/artifacts/report/report.html")
    shown = seen.page.frame_locator("iframe").first
    expect(shown.locator("h1", has_text="demo")).to_be_visible()
    assert seen.errors == []


def test_mlflow_groups_the_trials_by_their_tag_and_compares_them(seen: Seen, tracked: tuple[Path, str]) -> None:
    study, uri = tracked
    address = runs_address(study, uri)
    assert address is not None
    page = seen.page
    page.goto(address)
    page.get_by_role("button", name="Group by").click()
    page.get_by_text("group", exact=True).click()
    for group in ("pt hf", "pt fairseq", "rd hf"):
        expect(page.get_by_text(f"Group: {group}", exact=True)).to_be_visible()
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(study.name).experiment_id
    runs = [run.info.run_id for run in client.search_runs([experiment], "tags.framework = 'hf' and tags.seed != '9'")]
    page.goto(f"{uri}/#/compare-runs?runs={json.dumps(runs)}&experiments={json.dumps([experiment])}")
    expect(page.get_by_text("Comparing 6 Runs from 1 Experiment")).to_be_visible()
    for name in ("data_seed", "model.name"):  # the parameters that differ
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
    assert seen.errors == []
