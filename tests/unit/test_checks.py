"""What is refused of a configuration, by checks and in place of Hydra's own errors."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
from hydra import compose
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from sweeper.config.checks import check_arch, check_name, check_outputs, check_trial
from sweeper.config.hydra_errors import SYNTAX, explain, null_group
from sweeper.data import DataSettings
from sweeper.errors import WrongInput
from sweeper.trial.settings import ArchSettings, Family, TaskSettings, TrainSettings
from sweeper.trial.trial import Trial
from tests import composed
from tests.records import trial

pytestmark = pytest.mark.usefixtures("composing")


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


def told(*overrides: str) -> str:
    """What a user is told of these overrides, as `sweeper.run` says it."""
    with pytest.raises((HydraException, OmegaConfBaseException, WrongInput)) as caught:
        composed.trial(*overrides)
    error = caught.value
    return explain(error) if isinstance(error, HydraException | OmegaConfBaseException) else str(error)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("seed=[1,2]", "seed=[1, 2] is not allowed\nallowed: an integer; left out, it has its default"),
        ("seed=", "seed= is not allowed\nallowed: an integer; left out, it has its default"),
        (
            "train.max_steps=1.5",
            "train.max_steps=1.5 is not allowed\nallowed: an integer; left out, it has its default",
        ),
        ("train.eps=small", "train.eps=small is not allowed\nallowed: a number; left out, it has its default"),
        (
            "train.betas=[a,b]",
            "train.betas[0]: Value 'a' of type 'str' could not be converted to Float\nleft out, it has its default",
        ),
        (
            "train.betas=3",
            "train.betas=3 is not allowed\nallowed: a list, as in KEY=[A,B]; left out, it has its default",
        ),
        (
            "model.pretrained=maybe",
            "model.pretrained=maybe is not allowed\nallowed: true or false; left out, it has its default",
        ),
        (
            "framework.family=x",
            "framework.family=x is not allowed\nallowed: encoder, causal_lm; left out, it has its default",
        ),
        ("train.epochs=???", "train.epochs is missing\nset train.epochs=VALUE"),
        (
            "train=null",
            "train=null is not allowed\nallowed: settings, as in KEY.NAME=VALUE; left out, it has its default",
        ),
        (
            "arch.encoder=5",
            "arch.encoder=5 is not allowed\nallowed: settings, as in KEY.NAME=VALUE; left out, it has its default",
        ),
        ("+seed=2", f"Could not append to config. An item is already at 'seed'.\n{SYNTAX}"),
        (
            "framework.options.x=1",
            "framework.options.x is not there yet\n"
            "add it: +framework.options.x=VALUE; or set all: framework.options={x: VALUE}",
        ),
        (
            "model.path.encoder=x",
            "model.path.encoder is not there yet\n"
            "add it: +model.path.encoder=VALUE; or set all: model.path={encoder: VALUE}",
        ),
        ("~train", "train is taken away\nwithout ~train it has its default"),
        (
            "~train.epochs",
            "train.epochs: TrainSettings (DictConfig) does not support deletion\nleft out, it has its default",
        ),
        ("~model.path", f"Could not delete from config. 'model.path' does not exist.\n{SYNTAX}"),
        ("~groop", f"Could not delete from config. 'groop' does not exist.\n{SYNTAX}"),
        ("~seed", "seed is taken away\nwithout ~seed it has its default"),
        ("~model", "model must be one choice\nseveral: model=A,B with -m runs a trial for each"),
        ("data=[demo,cls_books]", "data must be one choice\nseveral: data=A,B with -m runs a trial for each"),
        ("model=nope", "model=nope: no such choice\nallowed: pt, rd"),
        ("data_seed=${nope}", "data_seed: Interpolation key 'nope' not found\nleft out, it has its default"),
        ("seed=4294967296", "seed=4294967296 is out of range\nallowed: at least 0 and at most 4294967295"),
        ("data_seed=-1", "data_seed=-1 is out of range\nallowed: at least 0 and at most 4294967295"),
        (
            "arch.encoder.pretraining.updates=0",
            "arch.encoder.pretraining.updates=0 is out of range\nallowed: at least 1 and at most 1000000000",
        ),
    ],
)
def test_the_culprit_and_what_is_allowed(override: str, expected: str) -> None:
    assert told(override) == expected


def test_the_nearest_key_is_offered() -> None:
    said = told("train.learning_rat=1").splitlines()
    assert said[0] == "train.learning_rat: unknown key; did you mean train.learning_rate?"
    assert said[1].startswith("allowed there: batch_size, betas, epochs")
    assert len(said) == 2


def test_a_class_of_data_is_named_when_it_has_no_such_key() -> None:
    assert told("data.nope=1").startswith("data.nope: unknown key\nallowed there: limit")


def test_what_hydra_cannot_parse_has_a_remedy() -> None:
    assert "KEY=VALUE" in told("seed=range(1,")
    assert told("data.path=~/x.csv").endswith("""\nwrite 'data.path="~/x.csv"'""")
    assert told("data.path=it's.csv").endswith("\nwrite " + shlex.quote('data.path="it\'s.csv"'))
    assert told("data.path=[~/x,b]").endswith("""\nwrite 'data.path="[~/x,b]"'""")
    assert "in quotes" in told("corpus=[~/x,b]")  # which may be a list


@pytest.mark.parametrize("setting", ["fresh", "plan", "model.pretrained", "framework.hf.match_fairseq"])
@pytest.mark.parametrize("value", ["2", "0", "1", "yes", "on", "off", "n", "0.5", "maybe", "[true]", "null"])
def test_a_boolean_is_true_or_false(setting: str, value: str) -> None:
    said = told(f"{setting}={value}")
    assert said.startswith(f"{setting}={value.replace('[true]', '[True]')}") or said.startswith(f"{setting}: ")


@pytest.mark.parametrize("value", ["true", "false", "True", "FALSE"])
def test_in_any_case(value: str) -> None:
    assert compose("config", [f"fresh={value}"]).fresh is (value.lower() == "true")


@pytest.mark.parametrize(
    ("arguments", "last"),
    [
        ("seed=1-5", "write python -m sweeper.run -m seed=1,2,3,4,5"),
        ("-m model=rd seed=3..5", "write seed=3,4,5"),
        ("model=rd seed=1-50", "write python -m sweeper.run -m model=rd 'seed=range(1,51)'"),
        ("seed=5-1", "as in: -m seed=1,2,3"),
    ],
)
def test_a_span_of_numbers_is_told_as_a_list(arguments: str, last: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = arguments.split()
    monkeypatch.setattr(sys, "argv", ["sweeper/run.py", *given])
    monkeypatch.setattr("sweeper.config.hydra_errors.command_line", lambda: f"python -m sweeper.run {arguments}")
    assert told(given[-1]).splitlines()[-1] == last


@pytest.mark.parametrize(
    ("arguments", "culprit"),
    [(["seed=1", "arch=null"], "arch=null"), (["-m", "model=pt,null"], "model=pt,null"), (["a/b=null"], "a/b=null")],
)
def test_a_group_without_a_choice(arguments: list[str], culprit: str) -> None:
    assert null_group(arguments).startswith(f"{culprit}: a group needs one of its choices\n")
