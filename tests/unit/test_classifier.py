"""Classifiers of many types: which of their weights the checkpoint gives, and which the seed draws."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSequenceClassification, set_seed

from sweeper.errors import WrongInput
from sweeper.frameworks import inputs
from sweeper.frameworks.classifier import build_classifier, drawn_parameters, is_head
from sweeper.trial.settings import Head
from tests.tiny_models import CLASSES, KINDS, TOKENIZER, batch, draw, trial_of, write

Tensors = dict[str, torch.Tensor]
ROWS = [[0, 5, 6, 7, 8, 9, 3], [0, 11, 3], [0, 12, 13, 14, 3]]


@pytest.fixture(autouse=True)
def _reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "tokenizer", lambda _: TOKENIZER)


def split(model: Any) -> tuple[Tensors, Tensors]:
    """What the seed drew, and the rest."""
    drawn, held = drawn_parameters(model), dict(model.named_parameters())
    return {name: held[name] for name in drawn}, {name: held[name] for name in held if name not in drawn}


def equal(left: Tensors, right: Tensors) -> bool:
    return set(left) == set(right) and all(torch.equal(left[name], right[name]) for name in left)


@pytest.mark.parametrize("kind", KINDS)
def test_two_seeds_have_other_heads_and_one_body(kind: str, tmp_path: Path) -> None:
    directory = write(tmp_path / kind, kind)
    one, again, two = (build_classifier(trial_of(directory, kind, seed=seed)) for seed in (1, 1, 2))
    (head, body), (other, same_body) = split(one), split(two)
    assert head and body and equal(body, same_body) and equal(head, split(again)[0])
    weights = [name for name in head if head[name].ndim == 2]
    assert weights and not any(torch.equal(head[name], other[name]) for name in weights)
    assert all(is_head(one, name) or not name.startswith("model.") for name in head)
    published, loaded = draw(kind).base_model.state_dict(), one.base_model.state_dict()
    assert all(torch.equal(value, published[name]) for name, value in loaded.items() if name in published)
    assert {value.dtype for value in one.parameters()} == {torch.float32}
    assert [*one.config.id2label.values()] == [*CLASSES]


@pytest.mark.parametrize("kind", KINDS)
def test_a_head_of_the_checkpoint_is_left_out_or_kept(kind: str, tmp_path: Path) -> None:
    directory = write(tmp_path / "trained", kind, labels=CLASSES)
    trained = draw(kind, labels=CLASSES).state_dict()
    made = build_classifier(trial_of(directory, kind))
    head, body = split(made)
    assert all(torch.equal(value, trained[name]) for name, value in body.items())
    assert not any(torch.equal(head[name], trained[name]) for name in head if head[name].ndim == 2)
    assert all(is_head(made, name) for name in head)
    kept = build_classifier(trial_of(directory, kind, head=Head.keep))
    assert equal(trained, kept.state_dict()) and not drawn_parameters(kept)
    more = write(tmp_path / "three", kind, labels=("a", "b", "c"))
    assert equal(head, split(build_classifier(trial_of(more, kind)))[0])
    with pytest.raises(WrongInput, match=r"the head of .* is for a, b, c\nthe data has negative, positive\n"):
        build_classifier(trial_of(more, kind, head=Head.keep))


@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_is_read_into_full(kind: str, tmp_path: Path) -> None:
    def through_half(state: Tensors) -> Tensors:
        return {name: value.bfloat16().half().float() for name, value in state.items()}

    made = []
    for dtype in (torch.float32, torch.bfloat16, torch.float16):

        def stored(state: Tensors, dtype: torch.dtype = dtype) -> Tensors:
            return {name: value.to(dtype) for name, value in through_half(state).items()}

        directory = write(tmp_path / str(dtype), kind, change=stored)
        made.append(build_classifier(trial_of(directory, kind)))
    assert {value.dtype for model in made for value in model.parameters()} == {torch.float32}
    assert equal(made[0].state_dict(), made[1].state_dict()) and equal(made[0].state_dict(), made[2].state_dict())


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_of_one_is_read_as_in_a_batch_of_many(kind: str, tmp_path: Path) -> None:
    made = build_classifier(trial_of(write(tmp_path / kind, kind), kind)).eval()
    with torch.no_grad():
        together = made(**batch(made, ROWS)).logits
        alone = torch.cat([made(**batch(made, [row])).logits for row in ROWS])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_random_twin_is_drawn_twice_alike(kind: str, tmp_path: Path) -> None:
    directory = write(tmp_path / kind, kind, dtype=torch.bfloat16)
    one, again, two = (build_classifier(trial_of(directory, kind, "rd", seed=seed)) for seed in (1, 1, 2))
    assert equal(one.state_dict(), again.state_dict())
    assert not equal(one.state_dict(), two.state_dict())
    assert {value.dtype for value in one.parameters()} == {torch.float32}


@pytest.mark.parametrize("kind", ["bert", "llama", "gpt2", "opt", "xlnet"])
def test_a_body_alone_will_do(kind: str, tmp_path: Path) -> None:
    alone = write(tmp_path / kind, kind, body_alone=True)
    whole = write(tmp_path / "lm", kind)
    bodies = [split(build_classifier(trial_of(directory, kind)))[1] for directory in (alone, whole)]
    assert all(torch.equal(bodies[0][name], value) for name, value in bodies[1].items())


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_missing_unknown_or_of_another_shape_is_named(kind: str, tmp_path: Path) -> None:
    names = [name for name, value in draw(kind).base_model.named_parameters() if value.ndim == 2]
    name = f"{draw(kind).base_model_prefix}.{next(name for name in reversed(names) if 'pooler' not in name)}"

    def refused(change: Callable[[Tensors], Tensors], expected: str) -> None:
        directory = write(tmp_path / "changed", kind, change=change)
        with pytest.raises(WrongInput) as found:
            build_classifier(trial_of(directory, kind))
        assert expected in str(found.value) and len(str(found.value).splitlines()) <= 3

    refused(lambda state: {key: value for key, value in state.items() if key != name}, f"lacks {name}")
    refused(lambda state: state | {name: state[name][:-1].clone()}, f"{name} is ")
    refused(lambda state: state | {"adapter.extra": torch.ones(3)}, "holds adapter.extra")
    more = f"{name.rpartition('.')[0]}.out_proj.weight"
    refused(lambda state: state | {more: torch.ones(3, 3)}, "holds ")


def test_what_the_seed_draws_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build_classifier(trial_of(write(tmp_path / "lm", "bert"), "bert"))
    assert capsys.readouterr().out == "bert.pooler is drawn from the seed.\nclassifier is drawn from the seed.\n"
    build_classifier(trial_of(write(tmp_path / "whole", "bert", labels=CLASSES), "bert"))
    assert capsys.readouterr().out == "bert.pooler is the checkpoint's.\nclassifier is drawn from the seed.\n"
    build_classifier(trial_of(write(tmp_path / "modern", "modernbert"), "modernbert"))
    assert capsys.readouterr().out == "head is the checkpoint's.\nclassifier is drawn from the seed.\n"


def test_a_config_json_that_names_no_pad_gets_the_tokenizers(tmp_path: Path) -> None:
    directory = write(tmp_path / "gpt2", "gpt2", pad_token_id=None, problem_type="multi_label_classification")
    made = build_classifier(trial_of(directory, "gpt2"))
    assert (made.config.pad_token_id, made.config.problem_type) == (TOKENIZER.pad, None)


def test_an_encoder_decoder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "t5", "is_encoder_decoder": true}')
    with pytest.raises(WrongInput, match="an encoder-decoder, which is made to generate text"):
        build_classifier(trial_of(tmp_path, "t5"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_head_is_drawn_as_transformers_draws_a_missing_one(kind: str, tmp_path: Path) -> None:
    """So that trials whose checkpoints have none keep their numbers, and the others get the same."""
    directory = write(tmp_path / kind, kind)
    set_seed(3)
    names = dict(enumerate(CLASSES))
    loaded = AutoModelForSequenceClassification.from_pretrained(directory, id2label=names, dtype=torch.float32)
    assert equal(loaded.state_dict(), build_classifier(trial_of(directory, kind, seed=3)).state_dict())
