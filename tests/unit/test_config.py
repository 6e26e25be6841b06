"""Settings as they are composed, and weights, tokenizers and shapes that a user brings."""

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
from omegaconf.errors import OmegaConfBaseException
from safetensors.numpy import save_file

from sweeper.config.composed import study_of
from sweeper.config.hydra_errors import explain
from sweeper.config.sources import CONFIG_DIRECTORY
from sweeper.errors import WrongInput
from sweeper.trial.settings import Schedule
from tests.checkpoint_files import tensors, write_bloom, write_checkpoint, write_tokenizer
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


@pytest.mark.parametrize(
    "override", ["study=x", "outputs=elsewhere", "tracking=none", "fresh=true", "predictions=false"]
)
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


@pytest.mark.parametrize(
    "override", ["study=b", "outputs=elsewhere", "fresh=true", "tracking=none", "predictions=false"]
)
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


def test_a_path_for_each_family(tmp_path: Path) -> None:
    one = write_checkpoint(tmp_path / "one")
    assert trial(f"model.path={{encoder:{one},causal_lm:/else/where/far}}").weights_path == str(one)


def test_a_checkpoint_of_another_shape_is_refused_with_the_settings_that_fit(tmp_path: Path) -> None:
    one = write_checkpoint(tmp_path / "one", {"num_hidden_layers": 3, "max_position_embeddings": 128})
    with pytest.raises(
        WrongInput, match=r"\nset arch=of_model, or arch\.encoder\.layers=3 arch\.encoder\.positions=126"
    ):
        trial(f"model.path={one}")


def test_a_shape_that_is_the_model_s(tmp_path: Path) -> None:
    changes = {"num_attention_heads": 4, "initializer_range": 0.05, "hidden_dropout_prob": 0.0}
    one = write_checkpoint(tmp_path / "one", changes)
    given = [f"model.path={one}", "arch=of_model"]
    for model in ("pt", "rd"):
        arch = trial(*given, f"model={model}").arch
        assert (arch.name, arch.model_type, arch.layers, arch.heads) == ("of_model", "roberta", 2, 4)
        assert (arch.width, arch.feed_forward, arch.positions, arch.vocabulary_size) == (64, 128, 62, 7)
        assert (arch.init_std, arch.dropout, arch.attention_dropout) == (0.05, 0.0, 0.1)
    assert trial(*given, "arch.encoder.dropout=0.3").arch.dropout == 0.3
    assert trial(*given, "model=rd", "arch.encoder.layers=1").arch.layers == 1
    with pytest.raises(WrongInput, match=r"another shape than arch=of_model\n.* arch\.encoder\.layers=2"):
        trial(*given, "arch.encoder.layers=1")


def test_a_model_s_shape_for_each_family(tmp_path: Path) -> None:
    encoder, causal_lm = write_checkpoint(tmp_path / "encoder"), write_bloom(tmp_path / "causal_lm")
    both = f"model.path={{encoder:{encoder},causal_lm:{causal_lm}}}"
    assert trial(both, "arch=of_model").arch.model_type == "roberta"
    given = [both, "arch=of_model", "framework.family=causal_lm", "framework.name=mine", NOOP]
    found = trial(*given)
    assert (found.arch.name, found.arch.model_type, found.arch.feed_forward) == ("of_model", "bloom", 256)
    assert found.arch.positions == 2048 and found.arch.vocabulary_size == 6
    assert found.weights_path == str(causal_lm)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ([], "arch=of_model is the shape of model.path, which is not given"),
        (["model=rd"], "arch=of_model is the shape of model.path, which is not given"),
        (["model.path={causal_lm: bloom}"], "family encoder, which arch=of_model lacks\nallowed: a model.path of that"),
        (["model.path=nowhere/at/all"], "model.path=nowhere/at/all: no such directory"),
    ],
)
def test_a_model_s_shape_needs_a_model(
    overrides: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_bloom(Path("bloom"))
    with pytest.raises((WrongInput, OmegaConfBaseException)) as refused:
        trial("arch=of_model", *overrides)
    error = refused.value
    assert said in (explain(error) if isinstance(error, OmegaConfBaseException) else str(error))


def test_what_a_given_tokenizer_lacks_is_found_out_at_once(tmp_path: Path) -> None:
    without_mask = write_tokenizer(tmp_path / "tokenizer.json", {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "a": 4})
    given = f"tokenizer.path={without_mask}"
    assert trial("model=rd", given).tokenizer.path == str(without_mask)
    with pytest.raises(WrongInput, match="has no <mask>, which pretraining needs"):
        trial("model=pt", given)
    with pytest.raises(WrongInput, match="has 7 ids, the embedding has 6 rows"):
        many = write_tokenizer(tmp_path / "many.json")
        trial("model=rd", f"tokenizer.path={many}", "arch.encoder.vocabulary_size=6")


def test_a_tokenizer_is_that_of_the_weights(tmp_path: Path) -> None:
    one = write_checkpoint(tmp_path / "one")
    write_tokenizer(one / "tokenizer.json", {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3})
    with pytest.raises(WrongInput, match=r"pad_token_id=1, <pad> of .* has the id 0"):
        trial(f"model.path={one}")
    assert trial(f"model.path={one}", "model=rd").arch.vocabulary_size == 7
