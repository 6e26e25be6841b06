from __future__ import annotations

import shlex

import pytest
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from sweeper.config.hydra_errors import SYNTAX, explain, null_group
from sweeper.errors import WrongInput
from tests.composed import trial

pytestmark = pytest.mark.usefixtures("composing")


def refusal(*overrides: str) -> str:
    """What a user is told of these overrides, as `sweeper.run` says it."""
    with pytest.raises((HydraException, OmegaConfBaseException, WrongInput)) as caught:
        trial(*overrides)
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
            "arch.encoder.pretraining.updates=0 is out of range\nallowed: at least 1",
        ),
    ],
)
def test_the_culprit_and_what_is_allowed(override: str, expected: str) -> None:
    assert refusal(override) == expected


def test_the_nearest_key_is_offered() -> None:
    said = refusal("train.learning_rat=1").splitlines()
    assert said[0] == "train.learning_rat: unknown key; did you mean train.learning_rate?"
    assert said[1].startswith("allowed there: batch_size, betas, epochs")
    assert len(said) == 2


def test_a_class_of_data_is_named_when_it_has_no_such_key() -> None:
    assert refusal("data.nope=1").startswith("data.nope: unknown key\nallowed there: limit")


def test_what_hydra_cannot_parse_has_a_remedy() -> None:
    assert "KEY=VALUE" in refusal("seed=range(1,")
    assert refusal("data.path=~/x.csv").endswith("""\nwrite 'data.path="~/x.csv"'""")
    assert refusal("data.path=it's.csv").endswith("\nwrite " + shlex.quote('data.path="it\'s.csv"'))
    assert "in quotes" in refusal("data.path=[~/x,b]")


@pytest.mark.parametrize(
    ("arguments", "culprit"),
    [(["seed=1", "arch=null"], "arch=null"), (["-m", "model=pt,null"], "model=pt,null"), (["a/b=null"], "a/b=null")],
)
def test_a_group_without_a_choice(arguments: list[str], culprit: str) -> None:
    assert null_group(arguments).startswith(f"{culprit}: a group needs one of its choices\n")
