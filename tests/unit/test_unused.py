"""Settings that are typed for nothing: said where no trial uses them, and only there."""

from __future__ import annotations

import pytest

from sweeper.config.unused import unused_settings
from tests.composed import trial

pytestmark = pytest.mark.usefixtures("composing")


@pytest.mark.parametrize(
    ("given", "setting", "reason"),
    [
        (("model=rd",), "framework.lora.r", "it is of framework=lora, not of framework=hf"),
        (("model=rd",), "framework.fairseq.initialization", "it is of framework=fairseq, not of framework=hf"),
        (("model=rd",), "framework.pretraining.evaluations", "it is of framework=pretraining"),
        (("model=rd", "framework=lora"), "framework.hf.match_fairseq", "it is of framework=hf"),
        (("model=rd",), "arch.causal_lm.layers", "framework=hf trains encoder, not causal_lm"),
        (("model=rd", "framework=lora"), "arch.encoder.width", "framework=lora trains causal_lm, not encoder"),
        (("model=rd",), "arch.encoder.pretraining.updates", "model=rd is not pretrained"),
        (("model=rd",), "train.polynomial_power", "train.schedule=linear has no power"),
        (("model=rd",), "tokenizer.count_on", "pieces are counted only to cut"),
        (("model=rd",), "model.head", "model=rd takes no weights along"),
        (("task=qa", "data=qa_demo", "framework=lora"), "framework.lora.classify", "it is of task=classification"),
        (("task=qa", "data=qa_demo", "framework=lora"), "framework.lora.length_normalised", "it is of task=classif"),
    ],
)
def test_what_no_trial_uses(given: tuple[str, ...], setting: str, reason: str) -> None:
    (sentence,) = unused_settings([trial(*given)], [{setting: "5"}])
    assert sentence.startswith(f"{setting}=5 changes nothing: {reason}")


@pytest.mark.parametrize(
    ("given", "setting"),
    [
        (("framework=lora",), "framework.lora.r"),
        (("framework=lora",), "arch.causal_lm.width"),
        (("framework=lora",), "framework.lora.length_normalised"),
        ((), "arch.encoder.pretraining.updates"),
        ((), "model.head"),
        ((), "train.learning_rate"),
        (("train.schedule=polynomial",), "train.polynomial_power"),
        (("framework.name=mine",), "framework.lora.r"),
    ],
)
def test_what_is_used(given: tuple[str, ...], setting: str) -> None:
    assert unused_settings([trial(*given)], [{setting: "5"}]) == ()


def test_one_trial_that_uses_it_is_enough() -> None:
    both = [trial("model=rd"), trial("model=rd", "framework=lora")]
    assert unused_settings(both, [{"framework.lora.r": "8"}] * 2) == ()
    assert unused_settings(both, [{"framework.lora.r": "8"}, {}]) != ()
    several = unused_settings([both[0]] * 2, [{"framework.lora.r": "8"}, {"framework.lora.r": "4"}])
    assert several[0].startswith("framework.lora.r=8,4 changes nothing")


def test_what_it_says_is_so() -> None:
    random = trial("model=rd")
    assert trial("model=rd", "framework.lora.r=4").id == random.id
    assert trial("model=rd", "arch.causal_lm.layers=4").id == random.id
    assert trial("model=rd", "arch.encoder.pretraining.updates=4").id == random.id
