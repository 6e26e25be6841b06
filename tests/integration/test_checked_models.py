"""Models that config.json describes, looked at before any trial: what cannot work ends there, in words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from sweeper.driver.models_text import model_lines
from sweeper.errors import WrongInput
from sweeper.frameworks import inputs, load_framework
from sweeper.frameworks.checked_model import check_model
from sweeper.trial.trial import Trial
from tests import composed
from tests.integration.commands import Command
from tests.zoo.kinds import ZOO, change_config, store_as
from tests.zoo.texts import write_table

pytestmark = pytest.mark.usefixtures("composing", "one_thread")


def settings(directory: Path, *overrides: str) -> list[str]:
    table = write_table(directory.parent / "table.csv", 40)
    common = ["data=files", f"data.path={table}", "model=pt", f"model.path={directory}", "train.max_length=40"]
    return [*common, "arch=of_model", "tracking=none", f"outputs={directory.parent / 'outputs'}", *overrides]


def trial_of(directory: Path, *overrides: str) -> Trial:
    return composed.trial(*settings(directory, *overrides))


def prepare(trial: Trial) -> None:
    """What is done before any trial, in this process."""
    inputs.prepare(trial)
    check_model(trial)


def test_what_was_found_whole_is_built_once(tmp_path: Path) -> None:
    directory = ZOO["bert"].save(tmp_path / "bert")
    first, second = (trial_of(directory, f"seed={seed}") for seed in (1, 2))
    assert [step.title for step in inputs.preparations(first)][-1] == f"checking {directory}"
    prepare(first)
    assert inputs.preparations(first) == inputs.preparations(second) == []
    assert inputs.preparations(trial_of(directory, "train.max_length=39")), "another length may be too long"


def test_a_model_of_settings_is_not_built_for_it(tmp_path: Path) -> None:
    titles = [step.title for step in inputs.preparations(trial_of(ZOO["roberta-json"].save(tmp_path / "roberta")))]
    assert not any(title.startswith("checking") for title in titles)


@pytest.mark.parametrize("framework", ["hf", "lora"])
def test_weights_that_lack_a_layer(framework: str, tmp_path: Path) -> None:
    directory = ZOO["bert"].save(tmp_path / "bert")
    file = directory / "model.safetensors"
    held = load_file(file)
    lost = next(name for name in held if "layer.1.attention.self.query.weight" in name)
    save_file({name: numbers for name, numbers in held.items() if name != lost}, file, metadata={"format": "pt"})
    with pytest.raises(WrongInput, match=r"lacks .*layer\.1\.attention\.self\.query\.weight"):
        prepare(trial_of(directory, f"framework={framework}"))
    prepare(trial_of(directory, f"framework={framework}", "model=rd"))  # which reads none


@pytest.mark.parametrize("name", ["mpnet", "bert", "gpt2"])
def test_the_longest_text_is_found_where_config_json_tells_it_in_a_way_of_its_own(name: str, tmp_path: Path) -> None:
    """MPNet counts positions from the id after <pad>, so two of its rows are never read."""
    directory = ZOO[name].save(tmp_path / name)
    rows = json.loads((directory / "config.json").read_text()).get("max_position_embeddings")
    if name != "mpnet":
        prepare(trial_of(directory, f"train.max_length={rows or 256}"))
        return
    prepare(trial_of(directory, f"train.max_length={rows - 2}"))
    with pytest.raises(WrongInput, match=f"allowed: at most {rows - 2}\nset train.max_length={rows - 2}"):
        prepare(trial_of(directory, f"train.max_length={rows - 1}"))


@pytest.mark.parametrize("changes", [{"model_type": "not_of_this_world"}, {"model_type": "mamba9", "auto_map": {}}])
def test_a_type_that_transformers_does_not_know(changes: dict[str, object], tmp_path: Path) -> None:
    """Nothing that lies with a model is run, and nobody is asked whether it may be."""
    directory = ZOO["bert"].save(tmp_path / "bert")
    if "auto_map" in changes:
        (directory / "modeling_own.py").write_text("raise SystemExit('this ran')")
        changes["auto_map"] = {"AutoConfig": "modeling_own.Config", "AutoModel": "modeling_own.Model"}
    change_config(directory, **changes)
    planned = Command(["-m", "sweeper.run", "-m", *settings(directory, "plan=true")], tmp_path).run()
    ran = Command(["-m", "sweeper.run", "-m", *settings(directory)], tmp_path).run()
    assert "Traceback" not in planned.stderr and "this ran" not in ran.stdout + ran.stderr
    assert ran.returncode != 0 and str(changes["model_type"]) in ran.stdout + ran.stderr


def test_an_encoder_decoder_is_refused_with_the_reason(tmp_path: Path) -> None:
    directory = ZOO["bert"].save(tmp_path / "t5")
    change_config(directory, model_type="t5", is_encoder_decoder=True, architectures=["T5ForConditionalGeneration"])
    for framework in ("hf", "lora"):
        ran = Command(["-m", "sweeper.run", *settings(directory, f"framework={framework}")], tmp_path).run()
        assert ran.returncode == 2, ran.stdout + ran.stderr
        assert "encoder-decoder" in ran.stderr and len(ran.stderr.strip().splitlines()) <= 3


def test_a_plan_says_what_is_taken(tmp_path: Path) -> None:
    bert, gpt2 = (ZOO[name].save(tmp_path / name) for name in ("bert", "gpt2"))
    trials = [trial_of(bert), trial_of(bert, "framework=lora"), trial_of(gpt2, "framework=lora")]
    assert model_lines([*trials, *trials]) == [
        f"model.path={bert} is an encoder, bert, of 2 layers and width 32; built as its config.json says"
        " (arch=of_model)",
        f"tokenizer {bert} is read by Transformers, and what it reads is checked (tokenizer.path)",
        "framework=lora adapts query, value of bert (framework.lora.target_modules); it classifies by a head"
        " (framework.lora.classify)",
        f"model.path={gpt2} is a causal language model, gpt2, of 2 layers and width 32; built as its config.json says"
        " (arch=of_model)",
        f"tokenizer {gpt2} is read by Transformers, and what it reads is checked (tokenizer.path)",
        "framework=lora adapts c_attn of gpt2 (framework.lora.target_modules); it classifies by its answer in words"
        " (framework.lora.classify)",
    ]
    headed = ZOO["roberta-json"].save_classifier(tmp_path / "classifier")
    lines = model_lines([trial_of(headed)])
    assert lines[1:] == [
        f"model.path={headed} brings a classification head, which is left out: each seed draws its own"
        " (model.head=keep keeps it)"
    ]


@pytest.mark.parametrize("framework", ["hf", "lora"])
def test_a_classifier_that_reads_nothing_of_a_text(framework: str, tmp_path: Path) -> None:
    """BERT's reads the first position, which sees nothing of what follows where it is a decoder."""
    directory = ZOO["bert"].save(tmp_path / "bert")
    change_config(directory, is_decoder=True)
    with pytest.raises(WrongInput, match="gives every text the same scores"):
        prepare(trial_of(directory, f"framework={framework}", "framework.lora.classify=head"))


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_a_language_model_of_other_weights_than_config_json_says(name: str, tmp_path: Path) -> None:
    directory = ZOO[name].save(tmp_path / name)
    layers = {"gpt2": "n_layer", "llama": "num_hidden_layers"}[name]
    change_config(directory, **{layers: 1})
    with pytest.raises(WrongInput, match=r"holds .*1.*, which a"):
        prepare(trial_of(directory, "framework=lora", "train.max_length=60"))


@pytest.mark.parametrize("model", ["pt", "rd"])
def test_a_language_model_is_float32_whatever_config_json_says(model: str, tmp_path: Path) -> None:
    directory = store_as(torch.bfloat16, ZOO["gpt2"].save(tmp_path / "gpt2"), tmp_path / "half")
    trial = trial_of(directory, f"model={model}", "framework=lora", "train.max_length=60")
    prepare(trial)
    assert {numbers.dtype for numbers in load_framework(trial).build(trial).parameters()} == {torch.float32}
    assert ("mended" in trial.digests) is (model == "rd"), "the random twin was drawn in 16 bits"


def test_what_config_json_says_of_a_tokenizer_is_part_of_its_reading(tmp_path: Path) -> None:
    """Another end of texts, of the same files: the first model's reading would serve the second, unchecked."""
    first = ZOO["gpt2"].save(tmp_path / "first")
    second = tmp_path / "second"
    shutil.copytree(first, second)
    change_config(second, eos_token_id=5)
    one, other = (trial_of(directory) for directory in (first, second))
    assert one.digests["tokenizer"] != other.digests["tokenizer"]
    change_config(second, eos_token_id=json.loads((first / "config.json").read_text())["eos_token_id"], n_layer=3)
    assert trial_of(second).digests["tokenizer"] == one.digests["tokenizer"]


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_long_text_is_cut_where_its_tokenizer_cuts_it(side: str, tmp_path: Path) -> None:
    directory = ZOO["bert"].save(tmp_path / "bert")
    file = directory / "tokenizer_config.json"
    settings = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps({**settings, "truncation_side": side}))
    trial = trial_of(directory, "train.max_length=8")
    tokenizer = AutoTokenizer.from_pretrained(directory)
    texts = list(trial.data.splits()["train"].texts)
    wanted = tokenizer(texts, truncation=True, max_length=8)["input_ids"]
    assert list(inputs.tokenized(trial)["train"]["input_ids"]) == wanted


def test_layers_that_have_no_adapter_end_before_any_trial(tmp_path: Path) -> None:
    directory = ZOO["bert"].save(tmp_path / "bert")
    with pytest.raises(WrongInput, match="seq_relationship"):
        prepare(trial_of(directory, "framework=lora", "framework.lora.target_modules=[seq_relationship]"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"quantization_config": {"quant_method": "gptq"}}, "quantised"),
        ({"model_type": "codegen"}, "no classifier of model_type=codegen"),
    ],
)
def test_what_config_json_says_is_refused_at_once(changes: dict[str, object], said: str, tmp_path: Path) -> None:
    directory = ZOO["gpt2"].save(tmp_path / "gpt2")
    change_config(directory, **changes)
    with pytest.raises(WrongInput, match=said):
        trial_of(directory)


def test_an_adapter_beside_the_weights_is_not_loaded_unasked(tmp_path: Path) -> None:
    directory = ZOO["bert"].save(tmp_path / "bert")
    (directory / "adapter_config.json").write_text("{}")
    with pytest.raises(WrongInput, match="adapter"):
        trial_of(directory)


def test_a_kept_head_whose_classes_have_no_names(tmp_path: Path) -> None:
    """Transformers leaves LABEL_0 and LABEL_1 out of config.json."""
    directory = ZOO["roberta-json"].save_classifier(tmp_path / "classifier")
    with pytest.raises(WrongInput, match="is for LABEL_0, LABEL_1"):
        trial_of(directory, "model.head=keep")
