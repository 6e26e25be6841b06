from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hydra import compose
from omegaconf import OmegaConf
from safetensors.numpy import save_file

from sweeper.config.composed import study_of
from sweeper.config.sources import CONFIG_DIRECTORY
from sweeper.errors import WrongInput
from sweeper.trial.settings import Schedule
from tests.checkpoint_files import tensors, write_checkpoint, write_tokenizer
from tests.composed import trial

pytestmark = pytest.mark.usefixtures("composing")
NOOP = "framework._target_=tests.noop.Noop"


@pytest.fixture(name="reviews")
def _with_tokenizer(reviews: Path) -> Path:
    write_tokenizer(reviews / "tokenizer.json")
    return reviews


def study_name(*commands: list[str]) -> str:
    configs = [compose("config", overrides, return_hydra_config=True) for overrides in commands]
    return study_of(configs, [config.hydra.runtime.choices for config in configs], configs[0].hydra.launcher).name


def test_defaults_are_the_demo() -> None:
    found = trial()
    assert (found.model.name, found.framework.name, found.choices["data"]) == ("pt", "hf", "demo")
    assert found.name.startswith("hf-pt-demo-s1-") and len(found.id) == 64


def test_the_experiment_is_the_published_protocol(reviews: Path) -> None:
    found = trial("experiment=pt_vs_rd_cls_books", f"data.path={reviews}", "model=rd")
    arch, train = found.arch, found.train
    assert (arch.layers, arch.width, arch.feed_forward, arch.heads, arch.positions) == (4, 512, 512, 8, 256)
    assert (arch.vocabulary_size, found.tokenizer.vocabulary_size) == (32000, 32000)
    assert (train.batch_size, train.epochs, train.betas, train.eps) == (8, 5, (0.9, 0.98), 1e-8)
    assert (train.weight_decay, train.gradient_clip, train.learning_rate) == (0.01, 0, 1e-5)
    assert (train.warmup_ratio, train.schedule) == (0.06, Schedule.linear)
    assert found.framework.hf.match_fairseq
    assert len(found.data.splits()["valid"]) == 200


def test_the_order_of_examples_follows_the_seed_unless_told() -> None:
    assert trial("seed=0").data_seed == 0
    assert trial("seed=7").data_seed == 7
    assert trial("seed=7", "data_seed=2").data_seed == 2


@pytest.mark.parametrize(
    "override",
    [
        "seed=2",
        "data_seed=2",
        "model=rd",
        "train.epochs=4",
        "train.threads=2",
        "train.precision=bf16",
        "data.limit=10",
        "arch.encoder.init_std=0.2",
        "arch.encoder.pretraining.updates=10",
        "framework.hf.match_fairseq=true",
    ],
)
def test_what_determines_the_result_makes_another_trial(override: str) -> None:
    assert trial(override).id != trial().id


@pytest.mark.parametrize("override", ["study=x", "outputs=elsewhere", "tracking=none", "fresh=true"])
def test_what_does_not_is_the_same_trial(override: str) -> None:
    assert trial(override).id == trial().id


def test_the_kind_of_device_and_not_the_launcher_counts() -> None:
    assert trial(device="cuda").id != trial().id
    assert trial("hydra.launcher.jobs=7").id == trial().id


def test_identity_is_the_same_in_every_process() -> None:
    code = (
        "import tests.composed as t, sweeper.config.schema as schema, hydra\n"
        "schema.register()\n"
        f"with hydra.initialize_config_dir({str(CONFIG_DIRECTORY)!r}, version_base='1.3'):\n"
        "    print(t.trial().id)"
    )
    root = Path(__file__).parents[2]
    runs = [
        subprocess.check_output([sys.executable, "-c", code], cwd=root, env={**os.environ, "PYTHONHASHSEED": seed})
        for seed in ("1", "2")
    ]
    assert {run.decode().strip() for run in runs} == {trial().id}


def test_data_is_known_by_content_and_not_by_place(reviews: Path, tmp_path: Path) -> None:
    first = trial("data=cls_books", f"data.path={reviews}", "model=rd")
    moved = reviews.rename(tmp_path / "moved")
    second = trial("data=cls_books", f"data.path={moved}", "model=rd")
    assert first.id == second.id
    text = (moved / "train.review").read_text().replace("bien train 0", "bien Train 0")
    (moved / "train.review").write_text(text)
    assert trial("data=cls_books", f"data.path={moved}", "model=rd").id != first.id


def test_weights_are_known_by_content_and_not_by_place(tmp_path: Path) -> None:
    one, same, other = (write_checkpoint(tmp_path / name) for name in ("one", "same", "other"))
    save_file({name: held + 1 for name, held in tensors().items()}, other / "model.safetensors")
    first, second, third = (trial(f"model.path={path}") for path in (one, same, other))
    assert first.id == second.id != third.id
    assert first.arch.vocabulary_size == 7  # as the checkpoint has


def test_random_weights_take_no_more_than_the_tokenizer_from_a_path(tmp_path: Path) -> None:
    one, other = (write_checkpoint(tmp_path / name) for name in ("one", "other"))
    (other / "model.safetensors").write_bytes(b"no weights at all")
    assert trial("model=rd", f"model.path={one}").id == trial("model=rd", f"model.path={other}").id
    assert trial("model=rd", f"model.path={one}").tokenizer.path == str(one / "tokenizer.json")


def test_a_study_is_named_after_all_that_it_is_of(reviews: Path) -> None:
    published = ["experiment=pt_vs_rd_cls_books", f"data.path={reviews}"]
    assert study_name([]) == "demo"
    assert study_name(published) == "pt_vs_rd_cls_books"
    assert study_name([], ["data=cls_books"]) == "demo+cls_books"
    assert study_name(["study=mine"]) == "mine"


def test_trial_json_holds_what_rebuilds_the_trial() -> None:
    found = trial("train.betas=[0.8,0.9]")
    description = json.loads(json.dumps(found.description()))
    assert description["id"] == found.id
    assert description["config"]["train"]["betas"] == [0.8, 0.9]
    assert description["config"]["data"]["_target_"] == "sweeper.data.demo.Demo"
    assert {item.name for item in dataclasses.fields(found)} - {"choices", "cache"} == set(description["config"])


def test_a_framework_needs_an_architecture_of_its_family() -> None:
    with pytest.raises(WrongInput, match="family causal_lm, which arch=roberta_tiny lacks"):
        trial("arch=roberta_tiny", "framework.family=causal_lm")


def choices(group: str) -> list[str]:
    return sorted(path.stem for path in (CONFIG_DIRECTORY / group).glob("*.yaml"))


@pytest.mark.parametrize(
    ("group", "choice"),
    [
        (group, choice)
        for group in ("model", "framework", "arch", "task", "data", "tracking", "experiment")
        for choice in choices(group)
    ],
)
def test_every_choice_composes(group: str, choice: str, reviews: Path, tmp_path: Path) -> None:
    given = [f"{group}={choice}", "model=rd"] if group != "model" else [f"model={choice}"]
    found = trial(*given, *needed_with(group, choice, reviews, tmp_path))
    assert group in ("tracking", "experiment") or found.choices[group] == choice


def needed_with(group: str, choice: str, reviews: Path, place: Path) -> list[str]:
    """What a choice cannot do without: files, or a choice of another group that goes with it."""
    if group == "experiment" or choice == "cls_books":
        return [f"data.path={reviews}"]
    if choice == "of_model":
        return [f"model.path={write_checkpoint(place / 'one')}"]
    if group == "arch" and "encoder" not in OmegaConf.load(CONFIG_DIRECTORY / "arch" / f"{choice}.yaml"):
        return ["framework.family=causal_lm", NOOP] if choice != "tiny" else []
    (place / "texts").mkdir()
    (place / "texts" / "train.csv").write_text("text,label\n" + "".join(f"bien {n},1\nmal {n},0\n" for n in range(20)))
    tokenizer = f"tokenizer.path={reviews / 'tokenizer.json'}"
    if choice in ("files", "hub"):
        return [f"data.{'path' if choice == 'files' else 'name'}={place / 'texts'}", tokenizer]
    if choice in ("qa", "qa_demo"):
        return ["task=qa", "data=qa_demo", "framework=lora"]
    if choice in ("qa_files", "qa_hub"):
        (place / "faq").mkdir()
        rows = "".join(f"qui {number} ?,moi {number}\n" for number in range(20))
        (place / "faq" / "train.csv").write_text(f"question,answer\n{rows}")
        key = "data.path" if choice == "qa_files" else "data.name"
        return ["task=qa", "framework=lora", f"{key}={place / 'faq'}", tokenizer]
    if choice in ("corpus", "pretraining", "language_modelling"):
        corpus = [f"data.files={place / 'texts' / 'train.csv'}", tokenizer]
        return ["framework=pretraining", "task=language_modelling", "data=corpus", *corpus]
    return []


def test_the_recipe_of_pretraining_does_not_concern_random_weights() -> None:
    recipe = "arch.encoder.pretraining.updates=10"
    assert trial("model=rd", recipe).id == trial("model=rd").id
    assert trial("model=pt", recipe).digests["weights"] != trial("model=pt").digests["weights"]


def test_the_recipe_of_pretraining_does_not_concern_given_weights(tmp_path: Path) -> None:
    given = f"model.path={write_checkpoint(tmp_path / 'one')}"
    assert trial(given, "arch.encoder.pretraining.updates=10").id == trial(given).id


@pytest.mark.parametrize("override", ["study=b", "outputs=elsewhere", "fresh=true", "tracking=none"])
def test_what_is_for_a_whole_command_is_not_swept_over(override: str) -> None:
    with pytest.raises(WrongInput, match=f"^{override.partition('=')[0]} is for a whole command"):
        study_name(["study=a"], ["study=a", override])


def test_the_store_is_the_same_in_every_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = compose("config", [], return_hydra_config=True)
    study = study_of([config], [config.hydra.runtime.choices], config.hydra.launcher)
    assert study.tracking_uri == f"sqlite:///{tmp_path}/outputs/mlflow.db"
    assert study.directory == Path("outputs/demo")
    assert study.launcher["_target_"].startswith("hydra_plugins.")
    assert list(tmp_path.iterdir()) == []
