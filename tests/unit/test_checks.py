from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest

from sweeper.config.checks import check_arch, check_name, check_outputs, check_trial
from sweeper.data import DataSettings
from sweeper.errors import WrongInput
from sweeper.trial.settings import ArchSettings, Family, TaskSettings, TrainSettings
from sweeper.trial.trial import Trial
from tests.records import trial


def short(**changes: object) -> Trial:
    return replace(trial(arch={"name": "tiny"}), **changes)  # type: ignore[arg-type]


def test_what_fits_passes() -> None:
    check_trial(short())
    check_trial(short(task=TaskSettings(selection_metric="loss", greater_is_better=False)))
    check_trial(short(task=TaskSettings(selection_metric="macro_f1")))
    check_trial(short(task=TaskSettings("language_modelling", "perplexity", greater_is_better=False)))
    check_trial(short(task=TaskSettings(name="another", selection_metric="f1")))  # the framework's business


def test_a_shape_that_no_model_can_have() -> None:
    check_arch(ArchSettings(width=64, heads=4), Family.encoder)
    check_arch(ArchSettings(model_type="bloom", width=64, feed_forward=256), Family.causal_lm)
    with pytest.raises(WrongInput, match=r"arch\.encoder: width=63 cannot be shared by heads=2\nallowed: "):
        check_arch(ArchSettings(width=63), Family.encoder)
    with pytest.raises(WrongInput, match=r"arch\.causal_lm\.feed_forward=128 is not BLOOM's.*\nallowed: 256"):
        check_arch(ArchSettings(model_type="bloom", width=64, feed_forward=128), Family.causal_lm)


def test_texts_no_longer_than_positions() -> None:
    check_trial(short(train=TrainSettings(max_length=62)))
    with pytest.raises(WrongInput, match=r"train\.max_length=63 .*arch=tiny.*\nallowed: at most 62"):
        check_trial(short(train=TrainSettings(max_length=63)))


@pytest.mark.parametrize(
    ("task", "said"),
    [
        (TaskSettings(selection_metric="f1"), r"task\.selection_metric=f1 .*\nallowed: loss, accuracy, macro_f1"),
        (TaskSettings(selection_metric="loss"), r"task\.greater_is_better=true .*\n.*greater_is_better=false"),
        (TaskSettings(greater_is_better=False), r"task\.greater_is_better=false .*\n.*greater_is_better=true"),
    ],
)
def test_the_worst_epoch_is_never_selected(task: TaskSettings, said: str) -> None:
    with pytest.raises(WrongInput, match=said):
        check_trial(short(task=task))


@dataclass(frozen=True)
class Questions(DataSettings):
    task: ClassVar[str] = "qa"


def test_a_task_of_questions_needs_answers_and_the_reverse() -> None:
    by_loss = TaskSettings("qa", "loss", greater_is_better=False)
    check_trial(short(task=by_loss, data=Questions()))
    check_trial(short(task=TaskSettings("qa", "token_f1"), data=Questions()))
    check_trial(short(task=TaskSettings("summaries"), data=Questions()))  # the framework's business
    with pytest.raises(
        WrongInput, match=r"^task=qa does not go with data=demo, .* task=classification\nallowed: data=qa_"
    ):
        check_trial(short(task=by_loss))
    with pytest.raises(WrongInput, match=r"^task=classification .* task=qa\nallowed: data=demo, .*, or task=qa$"):
        check_trial(short(data=Questions()))


@pytest.mark.parametrize("part", ["model", "framework", "arch"])
def test_names_are_part_of_a_directory_s_name(part: str) -> None:
    made = short()
    with pytest.raises(WrongInput, match=rf"^{part}\..*name=a/b cannot name a directory"):
        check_trial(replace(made, **{part: replace(getattr(made, part), name="a/b")}))


@pytest.mark.parametrize("name", ["a/b", "..", ".hidden", "", "a/", "x" * 101])
def test_what_is_no_plain_name(name: str) -> None:
    with pytest.raises(WrongInput, match="study="):
        check_name("study", name)


@pytest.mark.parametrize("name", ["demo", "my study", "demo+cls_books", "v1.2", "été"])
def test_what_is_a_plain_name(name: str) -> None:
    check_name("study", name)


def test_a_place_for_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for outputs in (Path("outputs"), Path("not/yet/there"), tmp_path / "absolute"):
        check_outputs(outputs, outputs / "demo")
    assert list(tmp_path.iterdir()) == []
    Path("file").touch()
    for study in (Path("file/demo"), Path("file")):
        with pytest.raises(WrongInput, match=r"file is a file\nset outputs=DIR"):
            check_outputs(Path("file"), study)
