"""What every framework keeps of what it answered, and that it is what is on record of the best epoch."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sweeper.driver.execute
from sweeper.backends.local.backend import LocalBackend
from sweeper.data import EVALUATED, Answered, Examples
from sweeper.data.demo import Demo
from sweeper.errors import NOT_ALL_DONE
from sweeper.frameworks import inputs
from sweeper.frameworks.examples import examples_directory, split_rows
from sweeper.frameworks.metrics import exact_match, token_f1
from sweeper.predictions import main as predictions_command
from sweeper.records.record import Record
from sweeper.trial.outcome import Status
from sweeper.trial.trial import Trial
from tests.contracts.frameworks import EPOCHS, EXAMPLES, PARAMETERS, Laboratory, best_weights, run
from tests.contracts.test_frameworks import class_scores
from tests.needs_fairseq import needs_fairseq
from tests.own.bag_of_words import BagOfWords
from tests.records import best_metrics

QA = ("task=qa", "data=qa_demo", "train.learning_rate=5e-3")
OWN = (
    "framework.name=bag",
    f"framework._target_={BagOfWords.__module__}.BagOfWords",
    "+framework.options.learning_rate=0.1",
)
LEARNS = "train.learning_rate=2e-3"  # so that the epochs can be told apart


@dataclass(frozen=True)
class Repeated(Demo):
    """The demo with texts that occur several times, some of them with another label, and in another order."""

    reverse: bool = False

    def splits(self) -> dict[str, Examples]:
        splits = super().splits()
        test = splits["test"]
        rows = [(text, label) for text, label in zip(test.texts, test.labels, strict=True)][:30]
        rows += [*rows[:5], *((text, 1 - label) for text, label in rows[:3])]
        texts, labels = zip(*(rows[::-1] if self.reverse else rows), strict=True)
        return {**splits, "test": Examples(texts, labels)}

    def digest(self) -> str:
        return f"{super().digest()}, repeated, {self.reverse}"


@pytest.fixture(scope="module", params=PARAMETERS)
def laboratory(backend: LocalBackend, request: pytest.FixtureRequest, tmp_path_factory: Any) -> Laboratory:
    return Laboratory(tmp_path_factory.mktemp("outputs"), backend, request.param)


@pytest.fixture(scope="module")
def hf(backend: LocalBackend, tmp_path_factory: Any) -> Laboratory:
    return Laboratory(tmp_path_factory.mktemp("outputs"), backend, "hf")


def kept(directory: Path) -> dict[str, Any]:
    """Arrays of a trial's predictions, as anybody reads them."""
    with np.load(Record(directory).predictions, allow_pickle=False) as file:
        return dict(file)


def keys(texts: Any) -> list[int]:
    """What the first 16 digits of each text's SHA-256 say."""
    return [int(hashlib.sha256(text.encode()).hexdigest()[:16], 16) for text in texts]


def check_classes(trial: Trial, directory: Path) -> None:
    """Compare a trial's predictions with its record and its data."""
    found, best = kept(directory), best_metrics(directory)
    for split, rows in split_rows(trial).items():
        assert isinstance(rows, Examples)
        scores, labels = found[f"{split}_log_probabilities"], found[f"{split}_label"]
        assert found[f"{split}_example"].tolist() == keys(rows.texts)
        assert labels.tolist() == list(rows.labels)
        assert np.mean(scores.argmax(axis=1) == labels) == best[f"{split}/accuracy"]
        losses = -scores[np.arange(len(labels)), labels].astype(float)
        assert losses.mean() == pytest.approx(best[f"{split}/loss"], rel=1e-6, abs=1e-6)
    assert not Record(directory).refused_predictions.exists()


def test_they_give_the_record_and_name_the_data_s_texts(laboratory: Laboratory) -> None:
    trial = laboratory.trial(LEARNS)
    (directory,) = laboratory.run({"learns": trial})
    check_classes(trial, directory)
    outcome = Record(directory).outcome()
    assert outcome is not None and outcome.best is not None
    assert kept(directory)["about"].tolist() == [1, outcome.best.epoch, outcome.best.step]


def test_each_stands_beside_the_example_that_it_is_of(laboratory: Laboratory) -> None:
    """By the best weights, one example after another: batches come in another order."""
    import torch

    trial = laboratory.trial(LEARNS)
    (directory,) = laboratory.run({"learns": trial})
    best_weights(trial, directory)
    score = class_scores(trial, directory.with_name(f"{directory.name}.exported"))
    for split in EVALUATED:
        rows = inputs.tokenized(trial)[split]["input_ids"]
        with torch.no_grad():
            expected = [torch.log_softmax(score(ids).double(), 0).tolist() for ids in rows]
        found = kept(directory)[f"{split}_log_probabilities"]
        assert found == pytest.approx(np.array(expected), rel=1e-4, abs=1e-4)
        assert len({tuple(row) for row in found.tolist()}) > EXAMPLES / 2, "they can be told apart"


def test_they_can_be_left_out(laboratory: Laboratory) -> None:
    trial, directory = laboratory.trial(), laboratory.place / "none"
    call = partial(sweeper.driver.execute.execute, trial, directory, {"command": "a test", "predictions": False})
    assert laboratory.call({"none": call}) == {"none": ""}
    assert Record(directory).status() is Status.DONE and not Record(directory).predictions.exists()


def test_repeated_and_shuffled_texts_are_the_same_examples(laboratory: Laboratory) -> None:
    target = f"data._target_={__name__}.{Repeated.__name__}"
    trial = laboratory.trial(target)
    reverse = replace(trial, data=replace(trial.data, reverse=True))
    reverse = replace(reverse, digests={**trial.digests, "data": reverse.data.digest()})
    first, second = laboratory.run({"repeated": trial, "reversed": reverse})
    of_key: list[Mapping[Any, Any]] = []
    for directory in (first, second):
        found = kept(directory)
        columns = (found[f"test_{name}"].tolist() for name in ("example", "occurrence", "label"))
        values = zip(*columns, found["test_log_probabilities"], strict=True)
        of_key.append({(example, number): (label, row) for example, number, label, row in values})
        assert len(of_key[-1]) == len(found["test_label"]) == 38
    assert of_key[0].keys() == of_key[1].keys()
    for key, (label, row) in of_key[0].items():
        assert of_key[1][key][0] == label
        assert of_key[1][key][1] == pytest.approx(row, rel=1e-4, abs=1e-5)


def test_of_questions_they_are_answers_and_what_those_are_worth(
    backend: LocalBackend, tmp_path_factory: pytest.TempPathFactory
) -> None:
    laboratory = Laboratory(tmp_path_factory.mktemp("outputs"), backend, "lora")
    trial = laboratory.trial(*QA, "model=pt", "arch.causal_lm.pretraining.updates=40", "train.learning_rate=2e-2")
    inputs.prepare(trial)
    (directory,) = laboratory.run({"questions": trial})
    found, best = kept(directory), best_metrics(directory)
    for split, rows in split_rows(trial).items():
        assert isinstance(rows, Answered)
        assert found[f"{split}_example"].tolist() == keys(rows.questions)
        assert found[f"{split}_label"].tolist() == keys(rows.answers)
        content, ends = found[f"{split}_answer_bytes"].tobytes(), found[f"{split}_answer_offsets"].tolist()
        given = [content[start:end].decode() for start, end in pairwise(ends)]
        pairs = list(zip(given, rows.answers, strict=True))
        assert found[f"{split}_exact_match"].tolist() == [exact_match(*pair) for pair in pairs]
        assert found[f"{split}_token_f1"] == pytest.approx([token_f1(*pair) for pair in pairs], rel=1e-6)
        assert found[f"{split}_exact_match"].mean() == best[f"{split}/exact_match"]
        assert found[f"{split}_token_f1"].mean(dtype=float) == pytest.approx(best[f"{split}/token_f1"], abs=1e-6)
        loss = found[f"{split}_loss"].sum(dtype=float) / found[f"{split}_tokens"].sum()
        assert loss == pytest.approx(best[f"{split}/loss"], rel=1e-6)
    assert best["test/token_f1"] > 0, "nothing would be compared"


def test_a_framework_of_one_s_own_keeps_them_by_one_call(hf: Laboratory) -> None:
    trial = hf.trial(*OWN)
    (directory,) = hf.run({"own": trial})
    check_classes(trial, directory)


def wrong(change: Callable[[Any, dict[str, Any]], None]) -> Callable[[], None]:
    """Let the recorder keep other outputs than the framework has measured."""

    def start() -> None:
        class Changing(sweeper.driver.execute.Recorder):
            def predictions(self, outputs: Mapping[str, Any]) -> None:
                changed = dict(outputs)
                change(self, changed)
                super().predictions(changed)

        sweeper.driver.execute.Recorder = Changing  # type: ignore[misc]

    return start


def swapped(_: Any, outputs: dict[str, Any]) -> None:
    outputs["test"] = outputs["test"][:, ::-1]


def scaled(_: Any, outputs: dict[str, Any]) -> None:
    outputs["valid"] = outputs["valid"] * 1.001


def of_another_step(recorder: Any, _: dict[str, Any]) -> None:
    recorder.reported = 7, 77


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (swapped, "test/accuracy is "),
        (scaled, "valid/loss is "),
        (of_another_step, "they are of step 77, and step"),
    ],
)
def test_what_is_not_on_record_is_put_aside_and_the_result_stays(
    change: Callable[[Any, dict[str, Any]], None], said: str, hf: Laboratory
) -> None:
    trial, directory = hf.trial(*OWN), hf.place / change.__name__

    def call() -> None:
        wrong(change)()
        run(trial, directory)()

    assert hf.call({directory.name: call}) == {directory.name: ""}
    record = Record(directory)
    assert record.status() is Status.DONE and record.outcome() is not None
    assert not record.predictions.exists() and record.refused_predictions.exists()
    (line,) = [line for line in record.log.read_text().splitlines() if "SUSPICIOUS" in line]
    assert said in line


def test_too_few_of_them_are_a_mistake_of_the_framework_s_author(hf: Laboratory) -> None:
    trial, directory = hf.trial(*OWN), hf.place / "too few"

    def call() -> None:
        wrong(lambda _, outputs: outputs.update(valid=outputs["valid"][1:]))()
        run(trial, directory)()

    assert hf.call({directory.name: call}) == {directory.name: "exit code 1"}
    outcome = Record(directory).outcome()
    assert outcome is not None and outcome.error is not None
    assert outcome.error.message == f"predictions of valid are {EXAMPLES - 1}, of {EXAMPLES} examples"


def test_where_the_texts_are_gone_a_trial_keeps_none_and_says_so(hf: Laboratory) -> None:
    trial, directory = hf.trial(*OWN), hf.place / "gone"
    gone = replace(trial, digests={**trial.digests, "data": "of other texts"})
    assert hf.call({"gone": run(gone, directory)}) == {"gone": ""}
    assert Record(directory).status() is Status.DONE and not Record(directory).predictions.exists()
    assert "no predictions are kept: data=demo holds other texts" in Record(directory).log.read_text()


def test_keys_are_made_where_the_cache_of_an_earlier_version_has_none(hf: Laboratory) -> None:
    trial = hf.trial(*OWN, "data.limit=40")
    inputs.prepare(trial)
    shutil.rmtree(examples_directory(trial))
    assert inputs.preparations(trial) == []
    (directory,) = hf.run({"earlier": trial})
    assert len(kept(directory)["valid_example"]) == 40
    check_classes(trial, directory)


def write_authors(directory: Path) -> Path:
    """Write labelled texts that a few authors wrote."""
    lines = [f"un livre {'bon' if n % 2 else 'nul'} {n},{n % 2},auteur {n % 7}\n" for n in range(140)]
    (directory / "authors.csv").write_text("text,label,author\n" + "".join(lines), encoding="utf-8")
    return directory / "authors.csv"


def test_what_belongs_together_is_kept_and_trained_on_by_nobody(
    backend: LocalBackend, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Asked for before, after, or when predictions are made of the weights: the same file but for the clusters."""
    laboratory = Laboratory(tmp_path, backend, "hf")
    given = ("data=files", f"data.path={write_authors(tmp_path)}", "tokenizer.kind=word")
    plain, asked = laboratory.trial(*given), laboratory.trial(*given, "data.cluster=author")
    first, second = laboratory.run({"plain": plain, "asked": asked})
    assert plain.id == asked.id
    laboratory.check_same_training(asked, second, first)
    found = kept(second)
    for split, rows in split_rows(asked).items():
        assert isinstance(rows, Examples)
        assert found[f"{split}_cluster"].tolist() == keys(f"auteur {int(text.split()[-1]) % 7}" for text in rows.texts)
        assert f"{split}_cluster" not in kept(first)
    record, content = Record(second), Record(second).predictions.read_bytes()
    record.predictions.unlink()
    assert predictions_command([str(laboratory.place), "--make"]) == 0
    assert record.predictions.read_bytes() == content, "the setting is on record"
    assert predictions_command([str(laboratory.place), "--cluster", "author"]) == 0
    assert "plain: its predictions have clusters" in capfd.readouterr().err
    assert Record(first).predictions.read_bytes() == record.predictions.read_bytes() == content
    assert predictions_command([str(laboratory.place), "--cluster", "autor"]) == NOT_ALL_DONE
    assert "did you mean author?" in capfd.readouterr().err
    assert record.predictions.read_bytes() == content


TASKS = [
    *(
        pytest.param(*parameter.values, (), marks=parameter.marks, id=str(*parameter.values))
        for parameter in PARAMETERS
    ),
    pytest.param("lora", QA, id="lora qa"),
    pytest.param("lora", ("framework.lora.classify=head",), id="lora with a head"),
    pytest.param("hf", ("train.precision=bf16",), id="hf in half precision"),
]


@pytest.mark.parametrize(("name", "overrides"), TASKS)
def test_of_an_earlier_version_s_trial_they_are_made_of_its_best_weights(
    name: str, overrides: tuple[str, ...], backend: LocalBackend, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    laboratory = Laboratory(tmp_path, backend, name)
    (directory,) = laboratory.run({"done": laboratory.trial(*overrides)})
    record, reference = Record(directory), kept(directory)
    content = record.predictions.read_bytes()
    record.predictions.unlink()
    assert predictions_command([str(laboratory.place), "--make", "--split", "valid"]) == 0
    out, err = capfd.readouterr()
    assert out.startswith("data,example,occurrence,text,label,done/answer")
    assert "done: its predictions are made, and give the record" in err
    made = kept(directory)
    for key in ("valid_example", "test_label", "about"):
        assert (made[key] == reference[key]).all()
    if "fairseq" not in name:  # which adds in another order than Transformers
        assert record.predictions.read_bytes() == content


def test_none_are_made_of_weights_that_give_something_else(hf: Laboratory, capfd: pytest.CaptureFixture[str]) -> None:
    trials = {"learns": hf.trial(LEARNS), "other": hf.trial("seed=2"), "own": hf.trial(*OWN)}
    study = hf.outputs / "mixed"
    for directory in hf.run(trials):
        shutil.copytree(directory, study / directory.name)
        Record(study / directory.name).predictions.unlink()
    shutil.rmtree(study / "learns" / "best")
    shutil.copytree(study / "other" / "best", study / "learns" / "best")
    assert predictions_command([str(study), "--make"]) == NOT_ALL_DONE
    lines = capfd.readouterr().err.splitlines()
    assert any(line.startswith("learns: no predictions are made: valid/") and " on record" in line for line in lines)
    assert "other: its predictions are made, and give the record" in lines
    assert "own: no predictions are made: how framework=bag reads texts is its own affair" in lines
    assert not Record(study / "learns").predictions.exists()


@needs_fairseq
def test_they_are_the_same_examples_in_every_framework(
    backend: LocalBackend, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("outputs")
    found = []
    for name in ("hf", "fairseq", "lora"):
        laboratory = Laboratory(place, backend, name)
        (directory,) = laboratory.run({"one": laboratory.trial("train.epochs=1")})
        arrays = kept(directory)
        found.append([arrays[f"{split}_{part}"].tolist() for split in EVALUATED for part in ("example", "label")])
    assert found[0] == found[1] == found[2]
    assert EPOCHS > 1
