"""framework=lora on the demo: what is trained, what is kept, what it is worth, and models of other kinds."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel, set_seed

from sweeper.data.demo import Demo
from sweeper.driver.execute import execute
from sweeper.errors import WrongInput
from sweeper.export import main as export
from sweeper.frameworks import inputs, load_framework
from sweeper.frameworks.fine_tuning import padded
from sweeper.frameworks.lora import classification as lora_training
from sweeper.frameworks.lora import model as lora_model
from sweeper.frameworks.lora.answers import answer_batch
from sweeper.frameworks.lora.classification import class_scores
from sweeper.frameworks.lora.model import adapted, base_model
from sweeper.frameworks.metrics import classification_metrics
from sweeper.tokens.prompted import class_answers
from sweeper.tokens.prompts import framed_texts
from sweeper.tokens.tokenizer_training import train_tokenizer
from sweeper.trial.settings import LoraSettings, TokenizerKind, TrainedBias
from sweeper.trial.trial import Trial
from tests.contracts.frameworks import make_trial
from tests.records import best_metrics

WORDS = "data.verbalisers={negative: not wonderful, positive: wonderful}"
# Model type -> its shape, and a layer that gets an adapter.
OTHERS: Mapping[str, tuple[Mapping[str, int], str]] = {
    "gpt2": ({"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 64}, "c_attn"),
    "opt": ({"word_embed_proj_dim": 16, "num_hidden_layers": 1, "ffn_dim": 32}, "v_proj"),
    "llama": ({"num_hidden_layers": 1, "intermediate_size": 32}, "q_proj"),
}
ALL = {"hidden_size": 16, "num_attention_heads": 2, "vocab_size": 400, "pad_token_id": 1}


pytestmark = pytest.mark.usefixtures("one_thread")


def run(trial: Trial, directory: Path) -> Path:
    execute(trial, directory, {"command": "a test"})
    return directory


@pytest.fixture(scope="module")
def pretrained(outputs: Path) -> Trial:
    return make_trial(outputs, "framework=lora", "model=pt", WORDS, "train.learning_rate=0.01")


@pytest.fixture(scope="module")
def done(pretrained: Trial, outputs: Path) -> Path:
    return run(pretrained, outputs / "study" / "pretrained")


def parameters(model: PreTrainedModel | PeftModel) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.named_parameters()}


def plain_scores(trial: Trial, model: Callable[..., Any], prompt: list[int]) -> list[float]:
    """Each class's log-likelihood, one id after the other."""
    scores = []
    for answer in class_answers(trial.data, inputs.tokenizer(trial)):
        ids, score = list(prompt), 0.0
        for following in answer:
            logits = model(input_ids=torch.tensor([ids])).logits[0, -1].double()
            score += float(torch.log_softmax(logits, 0)[following])
            ids.append(following)
        scores.append(score)
    return scores


@torch.no_grad()
def measured(trial: Trial, model: Callable[..., Any], split: str) -> dict[str, float]:
    """Accuracy and loss, one example after the other."""
    examples = inputs.tokenized(trial)[split]
    scores = np.array([plain_scores(trial, model, example["input_ids"]) for example in examples])
    found = classification_metrics(scores, np.array(examples["labels"]))
    return {f"{split}/{name}": found[name] for name in ("accuracy", "loss")}


def recorded(directory: Path, split: str) -> dict[str, float]:
    """The same of the best epoch, as the record has it."""
    return {f"{split}/{name}": best_metrics(directory)[f"{split}/{name}"] for name in ("accuracy", "loss")}


def test_what_is_kept_is_an_adapter_that_gives_the_recorded_numbers(pretrained: Trial, done: Path) -> None:
    best = done / "best"
    names = {path.name for path in best.iterdir()}
    assert {"adapter_config.json", "adapter_model.safetensors", "tokenizer.json"} <= names
    assert not {"config.json", "model.safetensors", "pytorch_model.bin"} & names, "the base is not kept"
    assert (best / "adapter_model.safetensors").stat().st_size < 50_000
    base = AutoModelForCausalLM.from_pretrained(inputs.weights(pretrained)).eval()
    assert measured(pretrained, base, "test")["test/loss"] != pytest.approx(
        recorded(done, "test")["test/loss"], rel=1e-2
    )
    model = PeftModel.from_pretrained(base, best).eval()
    for split in ("valid", "test"):
        assert measured(pretrained, model, split) == pytest.approx(recorded(done, split), rel=1e-5)


@torch.no_grad()
def test_merged_and_unmerged_give_the_same(pretrained: Trial, done: Path) -> None:
    ids = torch.tensor([inputs.tokenized(pretrained)["test"][0]["input_ids"]])
    base = AutoModelForCausalLM.from_pretrained(inputs.weights(pretrained)).eval()
    bare = base(input_ids=ids).logits.clone()
    model = PeftModel.from_pretrained(base, done / "best").eval()
    unmerged = model(input_ids=ids).logits.clone()
    merged = model.merge_and_unload()(input_ids=ids).logits
    assert (merged - unmerged).abs().max() < 1e-5
    assert (unmerged - bare).abs().max() > 1e-2, "the adapter does nothing"


@pytest.mark.parametrize("kind", ["pt", "rd"])
def test_the_base_stays_as_it_is(kind: str, outputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trial = make_trial(outputs, "framework=lora", f"model={kind}", "train.epochs=1", "train.learning_rate=0.05")
    kept: list[tuple[PeftModel, dict[str, Tensor]]] = []

    def build(trial: Trial) -> PeftModel:
        model = lora_model.build(trial)
        kept.append((model, parameters(model)))
        return model

    monkeypatch.setattr(lora_training, "build", build)
    run(trial, tmp_path / "trial")
    [(model, before)] = kept
    changed = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    assert changed == {name for name in before if "lora_" in name}
    assert all(value.requires_grad is ("lora_" in name) for name, value in model.named_parameters())
    set_seed(trial.seed)
    rebuilt = parameters(base_model(trial, inputs.tokenizer(trial)))
    frozen = [value for name, value in model.named_parameters() if "lora_" not in name]
    assert all(torch.equal(one, other) for one, other in zip(frozen, rebuilt.values(), strict=True))


def test_what_is_trained_beside_the_adapter_is_kept_with_it(outputs: Path) -> None:
    trial = make_trial(outputs, "framework=lora", "framework.lora.bias=all", "train.epochs=1")
    directory = run(trial, outputs / "study" / "biases")
    held = load_file(directory / "best" / "adapter_model.safetensors")
    set_seed(trial.seed)
    base = base_model(trial, inputs.tokenizer(trial))
    biases = [name for name, _ in base.named_parameters() if name.endswith("bias")]
    assert sum("lora_" not in name for name in held) == len(biases) > 4
    model = PeftModel.from_pretrained(base.eval(), directory / "best")
    exported = outputs / "biases exported"
    load_framework(trial).export(directory, exported)
    merged = AutoModelForCausalLM.from_pretrained(exported).eval()
    ids = torch.tensor([inputs.tokenized(trial)["test"][0]["input_ids"]])
    with torch.no_grad():
        assert (merged(input_ids=ids).logits - model(input_ids=ids).logits).abs().max() < 1e-5


@pytest.mark.parametrize("command", [False, True])
def test_another_random_base_is_refused(outputs: Path, tmp_path: Path, command: bool) -> None:
    trial = make_trial(outputs, "framework=lora", "train.max_steps=1")
    directory = run(trial, outputs / "study" / f"random {command}")
    description = json.loads((directory / "trial.json").read_text())
    description["config"]["seed"] += 1
    (directory / "trial.json").write_text(json.dumps(description))
    with pytest.raises(WrongInput, match="random base that this machine does not draw again"):
        if command:
            export([str(directory), str(tmp_path / "exported")])
        else:
            load_framework(trial).export(directory, tmp_path / "exported")
    assert not (tmp_path / "exported").exists()


@pytest.mark.parametrize("length_normalised", [False, True])
@torch.no_grad()
def test_scores_of_a_batch_are_those_of_a_plain_loop(length_normalised: bool, pretrained: Trial, done: Path) -> None:
    tokenizer = inputs.tokenizer(pretrained)
    answers = class_answers(pretrained.data, tokenizer)
    assert list(map(len, answers)) == [3, 2]
    base = AutoModelForCausalLM.from_pretrained(inputs.weights(pretrained))
    model = PeftModel.from_pretrained(base, done / "best").eval()
    prompts = inputs.tokenized(pretrained)["test"]["input_ids"][:16]
    assert len(set(map(len, prompts))) > 3
    ids, mask = padded(prompts, tokenizer.pad, "left")
    classes = answer_batch(answers, tokenizer.pad)
    batch = {"input_ids": ids, "attention_mask": mask}
    scores = class_scores(model, batch, classes["answers"], classes["answers_mask"], length_normalised)
    expected = torch.tensor([plain_scores(pretrained, model, prompt) for prompt in prompts], dtype=torch.float64)
    if length_normalised:
        expected /= torch.tensor([3.0, 2.0])
    assert torch.allclose(scores, expected, atol=1e-5)


@pytest.fixture(scope="module")
def tokenizer_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts = framed_texts(Demo().unlabelled()[:500], ["bad", "wonderful"])
    return train_tokenizer(TokenizerKind.byte_bpe, texts, 400, tmp_path_factory.mktemp("tokenizer"))


def write_other(kind: str, directory: Path, tokenizer_file: Path) -> Path:
    config = AutoConfig.for_model(kind, **ALL, **OTHERS[kind][0])
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(directory)
    for file in tokenizer_file.parent.iterdir():
        shutil.copy(file, directory)
    return directory


@pytest.mark.parametrize("kind", list(OTHERS))
def test_any_causal_language_model_by_its_path(kind: str, outputs: Path, tmp_path: Path, tokenizer_file: Path) -> None:
    """Also that padding a batch on the left does not move positions."""
    path = write_other(kind, tmp_path / kind, tokenizer_file)
    target = f"framework.lora.target_modules=[{OTHERS[kind][1]}]"
    common = ["framework=lora", "arch=of_model", f"model.path={path}", target, "train.epochs=1"]
    trial, random = make_trial(outputs, *common, "model=pt"), make_trial(outputs, *common, "model=rd")
    assert trial.arch.model_type == kind and trial.id != random.id
    directory = run(trial, outputs / "study" / kind)
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(path), directory / "best").eval()
    assert measured(trial, model, "test") == pytest.approx(recorded(directory, "test"), rel=1e-5)
    with pytest.raises(WrongInput, match=f"has no layer nowhere\nallowed: .*{OTHERS[kind][1]}"):
        adapted(base_model(random, inputs.tokenizer(random)), LoraSettings(target_modules=("nowhere",)))


def test_a_word_that_is_the_head_and_the_embedding_gets_no_adapter(outputs: Path) -> None:
    trial = make_trial(outputs, "framework=lora")
    with pytest.raises(WrongInput, match="no layer lm_head"):
        adapted(base_model(trial, inputs.tokenizer(trial)), LoraSettings(target_modules=("lm_head",)))


def test_biases_of_the_targets_alone(outputs: Path) -> None:
    trial = make_trial(outputs, "framework=lora")
    base = base_model(trial, inputs.tokenizer(trial))
    model = adapted(base, LoraSettings(bias=TrainedBias.lora_only))
    trained = {name for name, value in model.named_parameters() if value.requires_grad and "lora_" not in name}
    assert len(trained) == trial.arch.layers
    assert all("query_key_value" in name and name.endswith("bias") for name in trained)


def test_bloom_560m_on_the_meta_device_takes_no_memory(outputs: Path) -> None:
    inputs.tokenizer(make_trial(outputs, "framework=lora"))
    program = f"""
import resource
from pathlib import Path
import peft, torch
from sweeper.frameworks import inputs, load_framework
from tests.contracts.frameworks import make_trial
trial = make_trial(Path({str(outputs)!r}), "framework=lora", "arch=bloom_560m")
inputs.tokenizer(trial)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with torch.device("meta"):
    model = load_framework(trial).build(trial)
assert all(value.is_meta for value in model.parameters())
print(*model.get_nb_trainable_parameters(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    trainable, everything, grown_kib = map(int, answer.stdout.split())
    assert (trainable, everything) == (1_572_864, 560_787_456)
    assert grown_kib < 100 * 1024
