"""What the command exports of every framework's trials, wherever they lie by now."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from sweeper.backends.local.backend import LocalBackend
from sweeper.export import main
from sweeper.frameworks import inputs
from tests.contracts.frameworks import EXAMPLES, Laboratory, make_trial


@pytest.fixture(scope="module")
def study(outputs: Path, backend: LocalBackend) -> Path:
    """Trials of every way to be measured, in one study, with its cache beside it."""
    laboratory = Laboratory(outputs, backend, "study")
    trials = {name: make_trial(outputs, *overrides) for name, overrides in TRIALS.items()}
    for trial in trials.values():
        inputs.prepare(trial)
    laboratory.run(trials)
    return laboratory.place


TRIALS = {
    "hf": ["framework=hf", "train.learning_rate=2e-3"],
    "bf16": ["framework=hf", "train.learning_rate=2e-3", "train.precision=bf16"],
    "lora": ["framework=lora", "train.learning_rate=2e-3"],
    "qa": ["framework=lora", "task=qa", "data=qa_demo", "train.learning_rate=5e-3"],
}


def exported(study: Path, name: str, tmp_path: Path, change: Callable[[Path], None]) -> tuple[int, str, str]:
    """Export a copy of a trial, changed first; returns exit code, and what is said to either stream."""
    copied = tmp_path / "study" / name
    shutil.copytree(study / name, copied)
    shutil.copytree(study.parent / "cache", tmp_path / "cache")
    change(copied)
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        code = main([str(copied), str(tmp_path / "plain")])
    assert (tmp_path / "plain" / "model.safetensors").exists()
    return code, out.getvalue(), err.getvalue()


def rewritten(name: str, change: Callable[[float], float]) -> Callable[[Path], None]:
    """What changes a validation metric of the best epoch on record."""

    def rewrite(directory: Path) -> None:
        outcome = json.loads((directory / "outcome.json").read_text())
        outcome["best"]["metrics"][f"valid/{name}"] = change(outcome["best"]["metrics"][f"valid/{name}"])
        (directory / "outcome.json").write_text(json.dumps(outcome))

    return rewrite


def without_cache(directory: Path) -> None:
    shutil.rmtree(directory.parents[1] / "cache")


def without_cache_and_data(directory: Path) -> None:
    """Of a data set whose files have moved."""
    without_cache(directory)
    described = json.loads((directory / "trial.json").read_text())
    described["config"]["data"] = {"_target_": "sweeper.data.files.Files", "path": "moved.csv"}
    (directory / "trial.json").write_text(json.dumps(described))


def with_other_data(directory: Path) -> None:
    """Of a data set whose files have changed."""
    without_cache(directory)
    described = json.loads((directory / "trial.json").read_text())
    described["config"]["digests"]["data"] = "0" * 64
    (directory / "trial.json").write_text(json.dumps(described))


@pytest.mark.parametrize("name", TRIALS)
def test_what_is_exported_is_measured(name: str, study: Path, tmp_path: Path) -> None:
    code, out, err = exported(study, name, tmp_path, lambda _: None)
    assert (code, err) == (0, "") and "on record" in out
    assert ("validation accuracy: " in out) is (name != "qa")
    assert f"measured ({EXAMPLES} examples)" in out


@pytest.mark.parametrize("name", TRIALS)
def test_a_difference_beyond_rounding_is_said(name: str, study: Path, tmp_path: Path) -> None:
    code, _, err = exported(study, name, tmp_path, rewritten("loss", lambda loss: loss + 0.2))
    assert code == 1
    assert err.startswith(f"SUSPICIOUS: {tmp_path / 'plain'} does not have the loss on record")
    assert len(err.splitlines()) == 1


def test_one_example_is_a_difference(study: Path, tmp_path: Path) -> None:
    change = rewritten("accuracy", lambda share: share - 1 / EXAMPLES)
    code, _, err = exported(study, "hf", tmp_path, change)
    assert code == 1 and "does not have the accuracy on record; rounding explains 0 examples" in err


def test_other_weights_are_found_out(study: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    def turned(directory: Path) -> None:
        file = directory / "best" / "model.safetensors"
        tensors = load_file(file)
        save_file({name: -value if "out_proj" in name else value for name, value in tensors.items()}, file)

    def without_head(directory: Path) -> None:
        file = directory / "best" / "model.safetensors"
        save_file({name: value for name, value in load_file(file).items() if "out_proj" not in name}, file)

    code, out, err = exported(study, "hf", tmp_path / "turned", turned)
    assert code == 1 and "loss on record; rounding explains" in err and "on record" in out
    code, _, err = exported(study, "hf", tmp_path / "headless", without_head)
    assert code == 1 and "cannot be evaluated by Transformers: ValueError: it lacks classifier.out_proj.bias" in err


@pytest.mark.parametrize("name", TRIALS)
def test_without_the_cache_the_data_is_read_again(name: str, study: Path, tmp_path: Path) -> None:
    code, out, err = exported(study, name, tmp_path, without_cache)
    assert (code, err) == (0, "") and f"measured ({EXAMPLES} examples)" in out
    made = {path.name for path in (tmp_path / "cache").iterdir()}
    assert made <= {"tokenized", "tokenizers"}, "nothing is trained"


@pytest.mark.parametrize(
    ("change", "reason"),
    [(without_cache_and_data, "data.path=moved.csv"), (with_other_data, "the data set holds other texts by now")],
)
@pytest.mark.parametrize("name", ["hf", "lora"])
def test_where_the_data_is_not_at_hand_it_is_exported_unmeasured(
    name: str, change: Callable[[Path], None], reason: str, study: Path, tmp_path: Path
) -> None:
    code, out, err = exported(study, name, tmp_path, change)
    assert (code, err) == (0, "")
    [line] = [line for line in out.splitlines() if "not measured" in line]
    assert reason in line
    if name == "lora":
        answers = json.loads((tmp_path / "plain" / "prompt.json").read_text())["classes"]
        assert set(answers) == {"negative", "positive"}
