"""python -m sweeper.pretrain as a user runs it: from text files to weights that a sweep takes."""

from __future__ import annotations

import gzip
import json
import lzma
import signal
from pathlib import Path

import pytest

from sweeper.data.demo import Demo
from sweeper.records.record import Record
from sweeper.trial.outcome import Status
from tests.contracts.processes import wait_until
from tests.integration.commands import Command

PRETRAIN = ("-m", "sweeper.pretrain", "tokenizer.kind=word", "tokenizer.vocabulary_size=null", "train.batch_size=16")
QUICK = ("train.max_steps=12", "framework.pretraining.evaluations=3", "framework.pretraining.short_share=0.5")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's unlabelled texts in three files."""
    directory = tmp_path_factory.mktemp("corpus")
    texts = Demo().unlabelled()
    (directory / "a.txt").write_text("\n".join(texts[::3]))
    with gzip.open(directory / "b.txt.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(texts[1::3]))
    with lzma.open(directory / "c.txt.xz", "wt", encoding="utf-8") as file:
        file.write("\n".join(texts[2::3]))
    return directory


def the_record(place: Path, study: str) -> Record:
    (path,) = (place / "outputs" / study).glob("pretraining-*")
    return Record(path)


@pytest.mark.slow
@pytest.mark.parametrize("arch", ["roberta_tiny", "bloom_tiny"])
def test_killed_and_called_again_it_gives_the_weights_of_an_unbroken_run(
    arch: str, corpus: Path, tmp_path: Path
) -> None:
    arguments = [*PRETRAIN, *QUICK, f"arch={arch}", f"corpus={corpus}/*", "tracking=none"]
    Command([*arguments, "out=whole", "outputs=elsewhere"], tmp_path).succeed()

    broken = Command([*arguments, "out=broken"], tmp_path)
    process = broken.start()
    wait_until(lambda: list(tmp_path.glob("outputs/pretrain/*/checkpoint/*/complete")) != [])
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until(lambda: not broken.processes())
    assert not (tmp_path / "broken").exists()
    again = broken.run()
    assert again.returncode == 0, again.stderr
    kept = [next(tmp_path.glob(f"{place}/pretrain/*/predictions.npz")) for place in ("outputs", "elsewhere")]
    assert kept[0].read_bytes() == kept[1].read_bytes(), "each held-out sequence's loss, which give the record"
    assert (tmp_path / "broken" / "model.safetensors").read_bytes() == (
        tmp_path / "whole" / "model.safetensors"
    ).read_bytes()
    third = broken.run()  # done already, and told so
    assert third.returncode == 0 and "1 of 1 trials are done" in third.stdout


@pytest.mark.slow
def test_its_weights_start_a_sweep_and_its_run_is_in_mlflow(corpus: Path, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    files = sorted(map(str, corpus.iterdir()))
    run = Command(
        [*PRETRAIN, *QUICK, "arch=roberta_tiny", f"corpus=[{','.join(files)}]", "out=weights"], tmp_path
    ).succeed()
    assert "held-out loss" in run.stdout and "model.path=weights" in run.stdout
    record = the_record(tmp_path, "pretrain")
    assert record.status() is Status.DONE
    measured = {metric.key for metric in record.metrics()}
    assert measured == {"train/loss", "valid/loss", "valid/perplexity"}
    assert sorted({metric.step for metric in record.metrics()}) == [4, 8, 12]
    origin = json.loads((tmp_path / "weights" / "pretraining.json").read_text())
    assert origin["trial"]["id"] == record.description()["id"]  # type: ignore[index]

    export = Command(["-m", "sweeper.export", str(record.path), "exported"], tmp_path)
    exported = export.run()
    best = record.outcome().best.metrics["valid/loss"]  # type: ignore[union-attr]
    assert exported.returncode == 0, exported.stderr
    assert f"validation loss: {best:.4g} on record, {best:.4g} measured" in exported.stdout

    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/outputs/mlflow.db")
    experiment = client.get_experiment_by_name("pretrain")
    (trained,) = client.search_runs([experiment.experiment_id], "params.seed = '1'")
    assert [point.step for point in client.get_metric_history(trained.info.run_id, "valid/perplexity")] == [4, 8, 12]

    from transformers import AutoModelForMaskedLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "weights")
    model = AutoModelForMaskedLM.from_pretrained(tmp_path / "weights")
    assert len(tokenizer) == model.config.vocab_size
    sweep = ["-m", "sweeper.run", "-m", "model=pt,rd", "model.path=weights", "arch=of_model", "data.limit=20"]
    tuned = Command([*sweep, "train.epochs=1", "tracking=none"], tmp_path).succeed()
    assert "2 planned" in tuned.stdout


@pytest.mark.slow
def test_a_given_tokenizer_is_taken_and_given_weights_are_gone_on_from(corpus: Path, tmp_path: Path) -> None:
    text, few = f"corpus={corpus}/a.txt", ("train.max_steps=2", "framework.pretraining.evaluations=1", "tracking=none")
    first = ("tokenizer.kind=unigram", "tokenizer.vocabulary_size=200", "arch=roberta_tiny", "out=first")
    cut = ("tokenizer.path=first", "tokenizer.vocabulary_size=60", "arch=roberta_tiny", "out=cut")
    further = ("model=pt", "model.path=first", "arch=of_model", "out=further", "train.learning_rate=1e-9")
    for settings in (first, cut, further):
        Command(["-m", "sweeper.pretrain", text, *few, *settings], tmp_path).succeed()
    assert json.loads((tmp_path / "cut" / "config.json").read_text())["vocab_size"] == 60
    first_loss, further_loss = (
        json.loads((tmp_path / name / "pretraining.json").read_text())["outcome"]["best"]["metrics"]["valid/loss"]
        for name in ("first", "further")
    )
    assert further_loss == pytest.approx(first_loss, rel=1e-4)


def test_nothing_is_made_of_wrong_input(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    (tmp_path / "latin.txt").write_bytes("été\n".encode("latin-1"))
    before = sorted(tmp_path.rglob("*"))
    text = f"corpus={corpus}/a.txt"
    cases = {
        "out=x": "corpus is missing",
        text: "out is missing",
        "corpus=nowhere.txt out=x": "corpus=nowhere.txt",
        "corpus=latin.txt out=x": "latin.txt, line 1",
        f"{text} out=": "out= is no directory",
        f"{text} out=.": "apart from outputs=outputs",
        f"{text} out=outputs/w": "apart from outputs=outputs",
        f"{text} out=/proc/w": "out=/proc/w: /proc cannot be written",
        "corpus=a,b out=x": "KEY=[A,B]",
        f"{text} out=full": "holds something already",
        f"-m {text} out=x seed=1,2": "several trainings",
        f"{text} out=latin.txt": "is a file",
        f"{text} out=x arch=xx": "arch=xx",
        f"{text} out=x task=classification": "framework=pretraining does not do task=classification",
        f"{text} out=x train.max_length=300": "train.max_length=300",
        f"{text} out=x train.precision=fp16 arch=roberta_tiny": "needs a GPU",
        f"{text} out=x framework.pretraining.mask_probability=1": "mask_probability=1",
        f"{text} out=x tokenizer.kind=letters": "unigram",
        f"{text} out=x model=pt": "model=pt",
    }
    for arguments, expected in cases.items():
        run = Command(["-m", "sweeper.pretrain", *arguments.split()], tmp_path).run()
        assert run.returncode == 2, (arguments, run.stderr)
        assert expected in run.stderr, (arguments, run.stderr)
        assert len(run.stderr.splitlines()) <= 3 and "Traceback" not in run.stderr
    assert sorted(tmp_path.rglob("*")) == before
