"""What a command with framework=lora means: settings, identity, and the inputs that it shares with nobody."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sweeper.errors import WrongInput
from sweeper.frameworks import inputs
from sweeper.frameworks.lora import prompting
from sweeper.tokens.prompts import ASSISTANT, HUMAN
from sweeper.trial.settings import AdapterTask, LoraSettings, TrainedBias
from tests.checkpoint_files import write_bloom, write_checkpoint
from tests.composed import trial

pytestmark = pytest.mark.usefixtures("composing")


def test_the_defaults_are_the_published_values() -> None:
    assert trial("framework=lora").framework.lora == LoraSettings(target_modules=("query_key_value",))  # of BLOOM
    assert LoraSettings() == LoraSettings(
        r=16, alpha=32, target_modules=None, dropout=0.05, bias=TrainedBias.none,
        task_type=AdapterTask.CAUSAL_LM, quantization=None, length_normalised=False,
    )  # fmt: skip


def test_the_architecture_follows_the_framework() -> None:
    assert trial("framework=lora").arch.name == "bloom_tiny"
    assert trial("framework=hf").arch.name == "roberta_tiny"


def test_an_experiment_has_what_either_family_needs(reviews: Path) -> None:
    given = ["experiment=pt_vs_rd_cls_books", f"data.path={reviews}", "model=rd", "tokenizer.kind=word"]
    encoder, causal = trial(*given), trial(*given, "framework=lora")
    assert (encoder.arch.name, causal.arch.name) == ("roberta_small_fr", "bloom_560m")
    assert (encoder.train.learning_rate, causal.train.learning_rate) == (1e-5, 2e-4)
    assert (encoder.tokenizer.vocabulary_size, causal.tokenizer.vocabulary_size) == (32000, None)
    assert encoder.data.splits() == causal.data.splits()
    assert trial(*given, "framework=lora", "train.learning_rate=0.5").train.learning_rate == 0.5


def test_a_path_for_each_family(tmp_path: Path) -> None:
    encoder, causal = write_checkpoint(tmp_path / "encoder"), write_bloom(tmp_path / "causal")
    given = ["arch=of_model", f"model.path={{encoder: {encoder}, causal_lm: {causal}}}"]
    words = "data.verbalisers={negative: mal, positive: bien}"
    assert trial(*given, "framework=hf").weights_path == str(encoder)
    with pytest.raises(WrongInput, match=r"data.verbalisers.negative=mal is only <unk>"):  # it does not cut at spaces
        trial(*given, "framework=lora", words)


def test_words_are_part_of_a_trial_that_reads_them_alone() -> None:
    other = "data.verbalisers.positive=fine"
    assert trial("framework=lora").id != trial("framework=lora", other).id
    assert trial("framework=hf").id == trial("framework=hf", other).id
    assert trial("framework=hf").id == trial("framework=hf", "framework.lora.r=4").id
    assert trial("framework=lora").id != trial("framework=lora", "framework.lora.r=4").id


def test_a_causal_models_tokenizer_knows_the_frame_and_the_words(tmp_path: Path) -> None:
    given = [f"outputs={tmp_path}", "framework=lora", "model=rd", "data.verbalisers.positive='très bien'"]
    for size in ([], ["tokenizer.vocabulary_size=40"], ["tokenizer.kind=word", "tokenizer.vocabulary_size=40"]):
        pieces = inputs.tokenizer(trial(*given, *size)).pieces
        assert {HUMAN, ASSISTANT.strip(), "bad", "très", "bien"} <= set(pieces)
    encoders = inputs.tokenizer(trial(f"outputs={tmp_path}", "model=rd")).pieces
    assert not {HUMAN, ASSISTANT.strip(), "très"} & set(encoders)


@pytest.mark.skipif(find_spec("bitsandbytes") is not None, reason="bitsandbytes is installed")
def test_four_bits_need_a_library_on_a_gpu_too() -> None:
    with pytest.raises(WrongInput, match="needs bitsandbytes, which is not installed"):
        trial("framework=lora", "framework.lora.quantization=nf4", device="cuda")


def test_how_a_model_is_asked_is_told_beside_its_weights() -> None:
    tokenizer: Any = SimpleNamespace(begins="<s>", ends="<|endoftext|>")
    told = prompting(trial("framework=lora", "framework.lora.length_normalised=true"), tokenizer)
    assert told["ends"] == "<|endoftext|>"
    assert told["prompt"] == "<human>: {question}\n<assistant>:"
    assert told["classes"] == {"negative": "bad", "positive": "wonderful"}
    assert told["class"].endswith("over its number of ids")
    assert "classes" not in prompting(trial("framework=lora", "task=qa", "data=qa_demo"), tokenizer)
