"""What must hold for every model type, read and trained as Transformers does; tests/zoo/kinds.py lists them.

The default part takes a few minutes. All of it: pytest -m "nightly or not nightly" tests/contracts/test_models.py
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
)

import sweeper.driver.execute
import sweeper.export
from sweeper.backends import Backend, Job
from sweeper.data import Examples
from sweeper.frameworks import inputs, load_framework
from sweeper.records.record import Record
from sweeper.trial.outcome import Status
from sweeper.trial.trial import Trial
from tests import composed
from tests.contracts.processes import ended
from tests.zoo.kinds import CAUSAL_LM, ZOO, store_as
from tests.zoo.texts import texts, write_rows, write_table

pytestmark = pytest.mark.usefixtures("composing", "one_thread")

ROOT = Path(__file__).parents[2]
MAX_LENGTH = 24  # some texts are cut
PAIRS = ["data.text=[text,other]", "train.max_length=32"]
FROZEN = ["train.learning_rate=1e-12", "train.max_steps=1"]
TRAINED = ["train.learning_rate=5e-3", "train.epochs=2"]
LORA = ["framework=lora", "framework.lora.classify=head"]
IN_WORDS = ["framework=lora", "framework.lora.classify=verbaliser", "train.max_length=200"]
SPECIAL = {
    *"<s> </s> <pad> <unk> <mask> <cls> <sep> <eod> <eop> <bos> <eos> [CLS] [SEP] [PAD] [UNK] [MASK]".split()
} | {
    *"<|endoftext|> <|padding|> <|im_start|> <|im_end|> <|begin_of_text|> <|end_of_text|> <|eot_id|> >>TITLE<<".split()
}
UNKNOWN = {"<unk>", "[UNK]"}
WORDS = "data.verbalisers={neg: bad, pos: good}"


def kinds(*every_time: str, family: str = "") -> pytest.MarkDecorator:
    """Every kind; in the default part those that are named, or all where none is."""
    chosen = [name for name, kind in ZOO.items() if family in ("", kind.family)]
    nightly = [pytest.mark.nightly]
    marked = [pytest.param(name, marks=nightly if every_time and name not in every_time else []) for name in chosen]
    return pytest.mark.parametrize("name", marked)


class Menagerie:
    """Directories of the zoo, made when they are first asked for, and trials of them that share a cache."""

    def __init__(self, place: Path) -> None:
        self.place, self.outputs = place, place / "outputs"
        self.table = write_table(place / "table.csv")

    def directory(self, name: str, dtype: torch.dtype = torch.float32) -> Path:
        place = self.place / f"{name}-{str(dtype).removeprefix('torch.')}"
        if place.exists():
            return place
        return ZOO[name].save(place) if dtype == torch.float32 else store_as(dtype, self.directory(name), place)

    def classifier(self, name: str) -> Path:
        """The same with the trained head of a classifier."""
        place = self.place / f"{name}-classifier"
        return place if place.exists() else ZOO[name].save_classifier(place)

    def settings(self, directory: Path, *overrides: str) -> list[str]:
        """Of the command line, the weights' shape and tokenizer taken as they are."""
        common = ["data=files", f"data.path={self.table}", "arch=of_model", "model=pt", f"model.path={directory}"]
        training = [f"train.max_length={MAX_LENGTH}", "train.batch_size=8", "train.warmup_ratio=0"]
        return [*common, *training, "tracking=none", f"outputs={self.outputs}", *overrides]

    def trial(self, name: str, *overrides: str, directory: Path | None = None) -> Trial:
        return composed.trial(*self.settings(directory or self.directory(name), *overrides))

    def built(self, name: str, *overrides: str, directory: Path | None = None) -> nn.Module:
        trial = self.trial(name, *overrides, directory=directory)
        inputs.prepare(trial)
        return load_framework(trial).build(trial)

    def run(self, name: str, *overrides: str, directory: Path | None = None) -> Record:
        """Train in this process, if it has not been done yet."""
        return self.trained(self.trial(name, *overrides, directory=directory))

    def trained(self, trial: Trial) -> Record:
        record = self.record(trial)
        sweeper.driver.execute.execute(trial, record.path, {"command": "a test"})
        assert record.status() is Status.DONE
        return record

    def record(self, trial: Trial, study: str = "contract") -> Record:
        return Record(self.outputs / study / trial.name)


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Menagerie:
    return Menagerie(tmp_path_factory.mktemp("zoo"))


@kinds()
def test_a_model_that_learns_nothing_is_worth_what_plain_transformers_says(name: str, zoo: Menagerie) -> None:
    check_unlearnt(zoo, name)


@kinds("bert", "roberta", "deberta-v2", "xlnet", "gpt2")
def test_and_so_is_one_of_two_texts(name: str, zoo: Menagerie) -> None:
    check_unlearnt(zoo, name, *PAIRS)


def check_unlearnt(zoo: Menagerie, name: str, *overrides: str) -> None:
    trial = zoo.trial(name, *FROZEN, *overrides)
    record = zoo.trained(trial)
    model, drawn = plain_classifier(zoo.directory(name))
    best = load_file(record.best / "model.safetensors")
    model.load_state_dict({part: best[part] for part in drawn}, strict=False)
    accuracy, loss = worth(model, trial, zoo.directory(name), ZOO[name].by_auto)
    assert last(record, "test/loss") == pytest.approx(loss, rel=2e-5)
    assert last(record, "test/accuracy") == pytest.approx(accuracy)


@kinds()
def test_ids_are_auto_tokenizer_s(name: str, zoo: Menagerie) -> None:
    if not ZOO[name].by_auto:
        pytest.skip("Transformers misreads these files")
    for overrides in ([], PAIRS):
        trial = zoo.trial(name, *overrides)
        for split, examples in trial.data.splits().items():
            made = inputs.tokenized(trial)[split]
            expected = [dict(read) for read in plainly_read(zoo.directory(name), examples, trial.train.max_length)]
            assert list(made["input_ids"]) == [read["input_ids"] for read in expected]
            if "token_type_ids" in expected[0]:
                types = [read["token_type_ids"] for read in expected]
                held = list(made["token_type_ids"]) if "token_type_ids" in made.column_names else None
                assert held == types or (held is None and not any(map(any, types))), "0 is what a model takes for none"


@kinds()
def test_a_text_that_spells_a_special_piece_is_read_as_ordinary_text(name: str, zoo: Menagerie, tmp_path: Path) -> None:
    special = {piece: index for piece, index in ZOO[name].write(tmp_path).items() if piece in SPECIAL}
    spelt = [text for piece in special for text in (f"good {piece} film", f"{piece}good film")]
    table = write_rows(tmp_path / "spelt.csv", [*texts(40), "good film", *spelt])
    trial = zoo.trial(name, f"data.path={table}", "data.test_share=0.3")
    read: dict[str, list[int]] = {}
    for split, examples in trial.data.splits().items():
        read |= dict(zip(examples.texts, inputs.tokenized(trial)[split]["input_ids"], strict=True))

    unknown = {special[piece] for piece in UNKNOWN & special.keys()}

    def meant(text: str) -> list[int]:
        return [index for index in read[text] if index in special.values() and index not in unknown]

    for text in spelt:
        assert meant(text) == meant("good film"), text
        assert read[text] != read["good film"], f"{text} is more than its words"


@kinds()
def test_two_seeds_have_different_heads_and_equal_bodies(name: str, zoo: Menagerie) -> None:
    plain, drawn = plain_classifier(zoo.directory(name))
    check_heads(plain.state_dict(), drawn, *(zoo.built(name, f"seed={seed}") for seed in (1, 2, 1)))


@kinds()
def test_a_head_that_was_trained_is_left_out(name: str, zoo: Menagerie) -> None:
    """As many classes as the data has, so that it would fit."""
    directory = zoo.classifier(name)
    _, drawn = plain_classifier(zoo.directory(name))
    built = [zoo.built(name, f"seed={seed}", directory=directory) for seed in (1, 2, 1)]
    body = AutoModelForSequenceClassification.from_pretrained(directory).state_dict()
    poolers = {part for part in drawn if ".pooler." in f".{part}"}  # no layer that only classifiers have
    check_heads(body, drawn - poolers, *built)


def check_heads(
    body: Mapping[str, Tensor], drawn: set[str], first: nn.Module, second: nn.Module, again: nn.Module
) -> None:
    one, other, same = first.state_dict(), second.state_dict(), again.state_dict()
    assert drawn and one.keys() == body.keys()
    for part, numbers in one.items():
        assert numbers.dtype == body[part].dtype
        assert torch.equal(numbers, same[part]), part
        if part not in drawn:
            assert torch.equal(numbers, body[part]) and torch.equal(other[part], body[part]), part
        elif numbers.std() > 0:
            assert not torch.equal(numbers, other[part]) and not torch.equal(numbers, body[part]), part
    assert any(part in drawn and numbers.std() > 0 for part, numbers in one.items())


@kinds()
def test_the_random_twin(name: str, zoo: Menagerie) -> None:
    """Drawn twice it is the same; its numbers are spread as those that Transformers draws."""
    once, again, other = (zoo.built(name, "model=rd", f"seed={seed}").state_dict() for seed in (1, 1, 2))
    config = AutoConfig.from_pretrained(zoo.directory(name), num_labels=2)
    torch.manual_seed(7)
    plain = AutoModelForSequenceClassification.from_config(config).state_dict()
    assert {part: held.shape for part, held in once.items()} == {part: held.shape for part, held in plain.items()}
    for part, numbers in once.items():
        assert torch.equal(numbers, again[part]), part
        spread = float(plain[part].float().std())
        if numbers.numel() >= 900 and spread > 0 and numbers.is_floating_point():
            assert not torch.equal(numbers, other[part]), part
            assert float(numbers.std()) == pytest.approx(spread, rel=0.2), part


@kinds()
def test_weights_are_float32_whatever_the_file_holds(name: str, zoo: Menagerie) -> None:
    wanted = zoo.built(name).state_dict()
    for dtype in (torch.bfloat16, torch.float16):
        held = zoo.built(name, directory=zoo.directory(name, dtype)).state_dict()
        for part, numbers in wanted.items():
            assert held[part].dtype == numbers.dtype and torch.equal(held[part], numbers), part


@kinds("roberta-json", "bert")
def test_the_same_numbers_train_identically_whatever_their_type(name: str, zoo: Menagerie) -> None:
    records = [
        zoo.run(name, *TRAINED, directory=zoo.directory(name, dtype))
        for dtype in (torch.float32, torch.bfloat16, torch.float16)
    ]
    assert measured(records[0]) == measured(records[1]) == measured(records[2])
    wanted, *others = (load_file(record.best / "model.safetensors") for record in records)
    for held in others:
        assert all(
            held[part].dtype == numbers.dtype and torch.equal(held[part], numbers) for part, numbers in wanted.items()
        )


@kinds("bert", "albert", "xlnet", "roberta-json", "gpt2", "bloom")
def test_full_fine_tuning_trains_and_its_export_is_measured(name: str, zoo: Menagerie, tmp_path: Path) -> None:
    trial = zoo.trial(name, *TRAINED)
    record = zoo.trained(trial)
    before, _ = plain_classifier(zoo.directory(name))
    after = load_file(record.best / "model.safetensors")
    moved = {part: not torch.equal(numbers, after[part]) for part, numbers in before.named_parameters()}
    assert sum(moved.values()) > 0.7 * len(moved), "what a classifier reads moves"
    check_export(trial, record, zoo, name, tmp_path / "plain")


@kinds("bert", "distilbert", "deberta-v2", "xlnet", "gpt2")
def test_lora_with_a_head_trains_and_its_export_is_measured(name: str, zoo: Menagerie, tmp_path: Path) -> None:
    trial = zoo.trial(name, *LORA, *TRAINED)
    check_export(trial, zoo.trained(trial), zoo, name, tmp_path / "plain")


@kinds("gpt2", "llama", family=CAUSAL_LM)
def test_lora_that_answers_in_words(name: str, zoo: Menagerie, tmp_path: Path) -> None:
    trial = zoo.trial(name, *IN_WORDS, WORDS, *TRAINED)
    check_written(zoo.trained(trial), tmp_path / "plain")
    exported = AutoModelForCausalLM.from_pretrained(tmp_path / "plain").state_dict()
    base = AutoModelForCausalLM.from_pretrained(zoo.directory(name)).state_dict()
    assert exported.keys() == base.keys()
    assert any(not torch.equal(numbers, exported[part]) for part, numbers in base.items())


def check_export(trial: Trial, record: Record, zoo: Menagerie, name: str, destination: Path) -> None:
    """Compare what plain Transformers makes of the export with what is on record."""
    check_written(record, destination)
    model = AutoModelForSequenceClassification.from_pretrained(destination).eval()
    outcome = record.outcome()
    assert outcome is not None and outcome.best is not None
    for directory in (zoo.directory(name), destination):  # with either tokenizer
        accuracy, loss = worth(model, trial, directory, ZOO[name].by_auto)
        assert outcome.best.metrics["test/loss"] == pytest.approx(loss, rel=5e-5)
        assert outcome.best.metrics["test/accuracy"] == pytest.approx(accuracy)


def check_written(record: Record, destination: Path) -> None:
    assert sweeper.export.main([str(record.path), str(destination)]) == 0
    with safe_open(destination / "model.safetensors", "pt") as opened:
        assert {opened.get_slice(part).get_dtype() for part in opened.keys()} <= {"F32", "I64", "BOOL"}  # noqa: SIM118


@kinds()
def test_lora_leaves_nothing_random_that_it_does_not_train(name: str, zoo: Menagerie) -> None:
    check_adapter(zoo, name, LORA, AutoModelForSequenceClassification)


@kinds("gpt2", "llama3", "bloom", family=CAUSAL_LM)
def test_nor_in_words(name: str, zoo: Menagerie) -> None:
    check_adapter(zoo, name, [*IN_WORDS, WORDS], AutoModelForCausalLM)


def check_adapter(zoo: Menagerie, name: str, overrides: list[str], auto: type[Any]) -> None:
    """What differs between seeds is trained; what is frozen is the checkpoint's; adapters are in the base only."""
    one, other = (dict(named_parameters(zoo.built(name, *overrides, f"seed={seed}"))) for seed in (1, 2))
    loaded = auto.from_pretrained(zoo.directory(name), dtype=torch.float32)
    prefix, known = loaded.base_model_prefix, dict(loaded.named_parameters())
    assert one.keys() == other.keys()
    for part, (numbers, trained) in one.items():
        if trained:
            continue
        assert torch.equal(numbers, other[part][0]), f"{part} is random and frozen"
        assert torch.equal(numbers, known[part]), part
    adapters = [part for part in one if "lora_" in part]
    assert adapters and all(part.startswith(f"{prefix}.") for part in adapters)
    assert all(one[part][1] for part in adapters)


def named_parameters(model: nn.Module) -> Iterator[tuple[str, tuple[Tensor, bool]]]:
    """What takes part in a model under an adapter, by the names of the base, and whether it is trained."""
    for part, numbers in model.named_parameters():
        if "original_module." in part:  # PEFT's unused copy of what is trained
            continue
        for added in ("base_model.model.", "base_layer.", "modules_to_save.default."):
            part = part.replace(added, "", 1)
        yield part, (numbers.detach(), numbers.requires_grad)


@kinds("roberta-json", "bert", "gpt2")
def test_full_fine_tuning_goes_on_after_a_kill_to_the_same_numbers(name: str, zoo: Menagerie, backend: Backend) -> None:
    check_resumed(zoo, backend, zoo.trial(name, *TRAINED))


@kinds("xlnet")
def test_lora_goes_on_after_a_kill_to_the_same_numbers(name: str, zoo: Menagerie, backend: Backend) -> None:
    check_resumed(zoo, backend, zoo.trial(name, *LORA, *TRAINED))


@kinds("bloom", family=CAUSAL_LM)
def test_lora_in_words_goes_on_after_a_kill_to_the_same_numbers(name: str, zoo: Menagerie, backend: Backend) -> None:
    target = ["framework.lora.target_modules=[query_key_value]"] if name == "bloom" else []
    check_resumed(zoo, backend, zoo.trial(name, "framework=lora", "train.max_length=200", WORDS, *target, *TRAINED))


def check_resumed(zoo: Menagerie, backend: Backend, trial: Trial) -> None:
    whole, killed = zoo.trained(trial), zoo.record(trial, "killed")
    assert in_a_process(backend, trial, killed, die=True) == "killed by SIGKILL (out of memory?)"
    assert killed.status() is Status.INTERRUPTED
    assert in_a_process(backend, trial, killed) == ""
    assert measured(killed) == measured(whole)
    files = sorted(file.name for file in whole.best.glob("*.safetensors"))
    assert files
    for file in files:
        wanted, held = load_file(whole.best / file), load_file(killed.best / file)
        assert wanted.keys() == held.keys()
        assert all(torch.equal(numbers, held[part]) for part, numbers in wanted.items())


def in_a_process(backend: Backend, trial: Trial, record: Record, die: bool = False) -> str:
    """Train in a process of its own; returns why it ended. It may die before the second epoch's checkpoint."""

    def call() -> None:
        class Deadly(sweeper.driver.execute.Recorder):
            def epoch(self, epoch: int, step: int, metrics: Mapping[str, float]) -> bool:
                best = super().epoch(epoch, step, metrics)
                if epoch == 2:
                    os.kill(os.getpid(), signal.SIGKILL)
                return best

        if die:
            sweeper.driver.execute.Recorder = Deadly  # type: ignore[misc]
        sweeper.driver.execute.execute(trial, record.path, {"command": "a test"})

    backend.start([Job(trial.name, call, record.log)])
    return ended(backend)[trial.name].reason


@kinds("bert", "gpt2", "roberta-json")
def test_both_frameworks_take_the_same_base_in_one_command(name: str, zoo: Menagerie, tmp_path: Path) -> None:
    classify = "framework.lora.classify=head"
    both = zoo.settings(zoo.directory(name), "framework=hf,lora", classify, f"outputs={tmp_path}", "train.epochs=1")
    swept = command("run", "-m", *both, "model=pt,rd", "study=both")
    assert swept.returncode == 0, swept.stdout + swept.stderr
    statuses = [Record(path).status() for path in (tmp_path / "both").glob("*-s1-*")]
    assert statuses == [Status.DONE] * 4
    counted = command("parameters", "-m", *both)
    assert counted.returncode == 0, counted.stdout + counted.stderr
    rows = [line.split()[1:] for line in counted.stdout.splitlines() if line.split()[:1] == ["trainable"]]
    full, adapter = sorted((int(number.replace(",", "")) for row in rows for number in row), reverse=True)
    model, drawn = plain_classifier(zoo.directory(name))
    assert full == sum(numbers.numel() for numbers in model.parameters())
    assert sum(model.state_dict()[part].numel() for part in drawn) < adapter < full


def command(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(ROOT), str(ROOT / "launchers")])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "COLUMNS": "120"}
    line = [sys.executable, "-m", f"sweeper.{program}", *arguments]
    return subprocess.run(line, env=environment, capture_output=True, text=True, check=False)


def plain_classifier(directory: Path) -> tuple[PreTrainedModel, set[str]]:
    """The classifier as Transformers loads it, and the names of what the checkpoint lacks."""
    model, loaded = AutoModelForSequenceClassification.from_pretrained(
        directory, num_labels=2, dtype=torch.float32, output_loading_info=True
    )
    return model.eval(), {*loaded["missing_keys"]}


def last(record: Record, key: str) -> float:
    return [metric.value for metric in record.metrics() if metric.key == key][-1]


def measured(record: Record) -> list[tuple[str, str, int, int]]:
    """All that is on record, to the last bit."""
    return [(metric.key, repr(metric.value), metric.epoch, metric.step) for metric in record.metrics()]


def plainly_read(directory: Path, examples: Examples, max_length: int) -> Iterator[Mapping[str, list[int]]]:
    tokenizer = AutoTokenizer.from_pretrained(directory)
    for example in examples.inputs:
        yield tokenizer(*example, truncation=True, max_length=max_length)


def worth(model: PreTrainedModel, trial: Trial, tokenizer: Path, by_auto: bool) -> tuple[float, float]:
    """Accuracy and mean cross-entropy of the test set, one example after another, nothing padded.

    The tokenizer is read by Transformers, where it reads such files rightly.
    """
    examples = trial.data.splits()["test"]
    read: Iterable[Mapping[str, list[int]]]
    if by_auto:
        read = plainly_read(tokenizer, examples, trial.train.max_length)
    else:
        read = ({"input_ids": ids} for ids in inputs.tokenized(trial)["test"]["input_ids"])
    with torch.no_grad():
        scores = [model(**{key: torch.tensor([row]) for key, row in text.items()}).logits[0] for text in read]
    logits, labels = torch.stack(scores).double(), torch.tensor(examples.labels)
    return float((logits.argmax(1) == labels).double().mean()), float(nn.functional.cross_entropy(logits, labels))
