"""Checkpoints as others wrote them that once were misread, trained as something else, or refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from sweeper.driver.execute import execute
from sweeper.frameworks import inputs
from sweeper.records.record import Record
from sweeper.trial.outcome import Status
from sweeper.trial.trial import Trial
from tests import composed
from tests.integration.commands import Command
from tests.needs_fairseq import needs_fairseq
from tests.zoo.kinds import ZOO, change_config, store_as
from tests.zoo.texts import CLASSES, write_table

pytestmark = pytest.mark.usefixtures("composing", "one_thread")

UNLEARNT = ["train.learning_rate=1e-12", "train.max_steps=1"]


def settings(directory: Path, *overrides: str, classes: tuple[str, ...] = CLASSES) -> list[str]:
    """Of a sweep in the directory that the weights lie in."""
    place = directory.parent
    table = write_table(place / f"{len(classes)}.csv", 20 * len(classes), classes)
    common = ["data=files", f"data.path={table}", "arch=of_model", "model=pt", f"model.path={directory}"]
    return [*common, "train.max_length=40", "tracking=none", f"outputs={place / 'outputs'}", *overrides]


def trained(trial: Trial) -> Record:
    record = Record(trial.cache.parent / "study" / trial.name)
    execute(trial, record.path, {"command": "a test"})
    assert record.status() is Status.DONE
    return record


def formats(place: Path, *others: torch.dtype) -> list[Path]:
    """One checkpoint in float32 and in other formats."""
    first = ZOO["roberta-json"].save(place / "float32")
    return [first, *(store_as(dtype, first, place / str(dtype).removeprefix("torch.")) for dtype in others)]


def losses(record: Record) -> list[float]:
    return [metric.value for metric in record.metrics() if metric.key == "test/loss"]


def as_camembert(source: Path, destination: Path) -> Path:
    """The same function in CamemBERT's layout: its rows are sentencepiece's, after four of fairseq's."""
    destination.mkdir()
    shutil.copy(source / "sentencepiece.bpe.model", destination)
    weights = load_file(source / "model.safetensors")
    name = "roberta.embeddings.word_embeddings.weight"
    rows = weights[name]  # <s> <pad> </s> <unk> pieces … <mask>
    special = rows[[0, 1, 2, 3]], rows[[3, 0, 2]]  # … then <unk> <s> </s> as sentencepiece has them
    weights[name] = torch.cat([*special, rows[4:]])
    save_file(weights, destination / "model.safetensors", metadata={"format": "pt"})
    shutil.copy(source / "config.json", destination)
    change_config(
        destination,
        model_type="camembert",
        architectures=["CamembertForSequenceClassification"],
        vocab_size=len(weights[name]),
        bos_token_id=5,
        eos_token_id=6,
    )
    return destination


def test_camembert_of_sentencepiece_alone_is_read_by_its_own_tokenizer(tmp_path: Path) -> None:
    """What RoBERTa's kind of ids would be, each three too low."""
    roberta = ZOO["roberta-sentencepiece"].save_classifier(tmp_path / "roberta")
    change_config(roberta, id2label=dict(enumerate(CLASSES)), label2id={name: n for n, name in enumerate(CLASSES)})
    camembert = as_camembert(roberta, tmp_path / "camembert")
    trials = [composed.trial(*settings(place, "model.head=keep", *UNLEARNT)) for place in (roberta, camembert)]
    tokenizer = AutoTokenizer.from_pretrained(camembert)
    for split, examples in trials[1].data.splits().items():
        wanted = tokenizer([*examples.texts], truncation=True, max_length=40)["input_ids"]
        assert list(inputs.tokenized(trials[1])[split]["input_ids"]) == wanted
    records = [trained(trial) for trial in trials]
    assert losses(records[1]) == pytest.approx(losses(records[0]), rel=1e-6)
    first, second = (load_file(record.best / "model.safetensors") for record in records)
    assert torch.allclose(first["classifier.dense.weight"], second["classifier.dense.weight"], atol=1e-8), "kept"


@pytest.mark.slow
def test_half_precision_is_trained_as_float32(tmp_path: Path) -> None:
    """At a learning rate whose updates bf16 would round away, and fp16 come to nan."""
    records = []
    for directory in formats(tmp_path, torch.bfloat16, torch.float16):
        records.append(trained(composed.trial(*settings(directory, "train.max_steps=12", "train.learning_rate=2e-5"))))
    wanted, *others = ([(metric.key, metric.value) for metric in record.metrics()] for record in records)
    assert others == [wanted, wanted]
    for record in records:
        assert {numbers.dtype for numbers in load_file(record.best / "model.safetensors").values()} == {torch.float32}


@pytest.mark.slow
def test_pretraining_goes_on_from_half_precision_in_float32(tmp_path: Path) -> None:
    corpus, made = tmp_path / "corpus.txt", []
    corpus.write_text("\n".join(f"a good film of {number} short words" for number in range(300)))
    for directory in formats(tmp_path, torch.bfloat16):
        chosen = [
            "corpus=unused",
            f"data.files={corpus}",
            "out=unused",
            f"model.path={directory}",
            "arch=of_model",
            "model=pt",
        ]
        quick = ["train.max_steps=4", "train.batch_size=4"]
        trial = composed.trial(*chosen, *quick, f"outputs={tmp_path / directory.name}-outputs", name="pretrain")
        made.append(load_file(trained(trial).best / "model.safetensors"))
    wanted, held = made
    assert wanted.keys() == held.keys()
    assert all(numbers.dtype == torch.float32 and torch.equal(numbers, held[name]) for name, numbers in wanted.items())


@pytest.mark.slow
@pytest.mark.parametrize("framework", ["hf", pytest.param("fairseq", marks=needs_fairseq)])
def test_a_head_of_the_checkpoint_is_drawn_anew(
    framework: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As many classes as the data has: all seeds would share one trained head."""
    directory = ZOO["roberta-json"].save_classifier(tmp_path / "classifier")
    chosen = settings(directory, f"framework={framework}", *UNLEARNT)
    first, second = (trained(composed.trial(*chosen, f"seed={seed}")) for seed in (1, 2))
    assert losses(first) != losses(second)
    said = capsys.readouterr().out
    assert any("classifier" in line and "seed" in line for line in said.splitlines()), said


@pytest.mark.slow
@pytest.mark.parametrize("model", ["pt", "rd"])
def test_a_head_of_other_classes_is_no_hindrance(model: str, tmp_path: Path) -> None:
    """The door let it in, and every trial failed."""
    directory = ZOO["roberta-json"].save_classifier(tmp_path / "classifier")
    trained(composed.trial(*settings(directory, f"model={model}", *UNLEARNT, classes=("a", "b", "c"))))


@pytest.mark.parametrize(
    ("name", "left_out", "overrides"),
    [
        ("gpt2", ["vocab.json", "merges.txt"], ["framework=lora"]),
        ("gpt2", ["vocab.json", "merges.txt"], ["framework=hf"]),
        ("gpt2", ["tokenizer.json"], ["framework=hf"]),
        ("roberta", [], []),
        ("bert", ["tokenizer_config.json"], []),
    ],
)
def test_tokenizer_files_that_transformers_reads(
    name: str, left_out: list[str], overrides: list[str], tmp_path: Path
) -> None:
    """GPT-2, whose end stands in config.json only; vocab.json and merges.txt; vocab.txt."""
    directory = ZOO[name].save(tmp_path / name)
    for file in left_out:
        (directory / file).unlink()
    trial = composed.trial(*settings(directory, "train.max_length=60", *overrides))
    inputs.prepare(trial)
    config = json.loads((directory / "config.json").read_text())
    if name == "gpt2":
        assert inputs.tokenizer(trial).eos == inputs.tokenizer(trial).pad == config["eos_token_id"]


def test_a_tokenizer_without_padding_is_refused(tmp_path: Path) -> None:
    """Where it was a traceback."""
    directory = ZOO["roberta-json"].save(tmp_path / "model")
    read = json.loads((directory / "tokenizer.json").read_text())
    read["model"]["vocab"]["[PAD]"] = read["model"]["vocab"].pop("<pad>")
    read["added_tokens"] = [piece for piece in read["added_tokens"] if piece["content"] != "<pad>"]
    for file in directory.glob("*token*"):
        file.unlink()
    given = tmp_path / "given"
    given.mkdir()
    (given / "tokenizer.json").write_text(json.dumps(read))
    chosen = settings(directory, f"tokenizer.path={given / 'tokenizer.json'}", "plan=true")
    planned = Command(["-m", "sweeper.run", "-m", *chosen], tmp_path).run()
    assert planned.returncode == 2, planned.stdout + planned.stderr
    assert "<pad>" in planned.stderr and "Traceback" not in planned.stderr
    assert 1 <= len(planned.stderr.strip().splitlines()) <= 3
