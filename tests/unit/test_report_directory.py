"""The files under STUDY/report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sweeper.driver.side_processes import await_writing, reason, start_writing
from sweeper.errors import WrongInput
from sweeper.records.record import Record
from sweeper.report.__main__ import main
from sweeper.report.directory import outdated, write_report
from tests.records import trial, write, write_demo

TEXTS = ("report.html", "report.md", "report.json", "tables.tex", "trials.csv")


@pytest.fixture
def study(tmp_path: Path) -> Path:
    write_demo(tmp_path / "demo")
    return tmp_path / "demo"


def files(study: Path) -> dict[str, bytes]:
    report = study / "report"
    return {str(path.relative_to(report)): path.read_bytes() for path in report.rglob("*") if path.is_file()}


def test_all_formats_lie_there(study: Path) -> None:
    assert write_report(study) == study / "report"
    found = files(study)
    figures = [f"figures/{name}_accuracy" for name in ("headline", "test", "validation", "groups", "differences")]
    assert sorted(found) == sorted(
        [*TEXTS, *(f"{name}.{kind}" for name in figures for kind in ("svg", "pdf", "png", "csv"))]
    )
    assert json.loads(found["report.json"])["study"] == "demo"


def test_unchanged_records_give_the_same_bytes(study: Path) -> None:
    write_report(study)
    before = files(study)
    write_report(study)
    assert files(study) == before


def test_it_is_outdated_when_a_record_changes(study: Path) -> None:
    assert outdated(study)
    write_report(study)
    assert not outdated(study)
    write(study, trial("pt", seed=9), [0.5], [0.4])
    assert outdated(study)
    write_report(study)
    assert not outdated(study)
    (study / "report" / "report.html").unlink()
    assert outdated(study)


def test_what_is_up_to_date_is_not_written_again(study: Path) -> None:
    write_report(study)
    page = study / "report" / "report.html"
    page.write_text("mine")
    write_report(study, only_if_outdated=True)
    assert page.read_text() == "mine"
    assert start_writing(study) is None


def test_figures_that_are_gone_go_and_what_is_not_its_own_stays(study: Path) -> None:
    write_report(study)
    (study / "report" / "mine.txt").write_text("x")
    for path in study.glob("hf-rd-*"):
        path.rename(path.with_name(f".{path.name}"))
    write_report(study)
    found = files(study)
    assert not any("differences" in name for name in found)
    assert "mine.txt" in found


def test_an_interrupted_write_leaves_whole_files(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_report(study)
    before = files(study)
    write(study, trial("pt", seed=9), [0.5], [0.4])
    written = []

    def interrupted(descriptor: int) -> None:
        written.append(descriptor)
        if len(written) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_report(study)
    monkeypatch.undo()
    after = {name: content for name, content in files(study).items() if not Path(name).name.startswith(".")}
    assert after.keys() == before.keys()
    assert after["report.html"] == before["report.html"]
    assert outdated(study)
    write_report(study)
    assert not [name for name in files(study) if name.rpartition("/")[2].startswith(".")]


def test_the_command_writes_and_says_where(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(study), "--write"]) == 0
    assert capsys.readouterr().out == f"{study / 'report' / 'report.html'}\n"


def test_several_studies_have_no_directory_in_common(study: Path, tmp_path: Path) -> None:
    write_demo(tmp_path / "other", seeds=(7,))
    with pytest.raises(WrongInput, match="--write"):
        main([str(study), str(tmp_path / "other"), "--write"])


def test_what_cannot_be_written_is_refused(study: Path) -> None:
    (study / "report").write_text("in the way")
    with pytest.raises(WrongInput, match=r"report.* cannot be written"):
        main([str(study), "--write"])


def test_a_sweep_is_told_in_one_line_what_went_wrong(study: Path) -> None:
    (study / "report").write_text("in the way")
    warning = await_writing(start_writing(study), study)
    assert warning.startswith(f"The report was not written ({study}")
    assert warning.endswith(f"later: python -m sweeper.report {study} --write")
    assert "\n" not in warning


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Some library warns\nsweeper: it is full\n  make room\n", "it is full"),
        ("Traceback\n  in a file\nValueError: no\n", "ValueError: no"),
        ("", "it left no message"),
    ],
)
def test_the_reason_is_the_refusal_else_the_last_line(said: str, expected: str) -> None:
    assert reason(said) == expected


def test_a_record_that_cannot_be_read_is_named_in_the_warning(study: Path) -> None:
    name = trial("pt", seed=1).name
    (study / name / "outcome.json").write_text("{")
    warning = await_writing(start_writing(study), study)
    assert name in warning
    assert Record(study / name).path.exists()


def test_looking_whether_it_is_outdated_imports_nothing_heavy(study: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from sweeper.driver.side_processes import outdated;"
        f"outdated(Path({str(study)!r}));"
        "print(sorted({'matplotlib', 'jinja2', 'scipy', 'numpy'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
