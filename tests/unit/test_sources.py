"""Weights, tokenizers and shapes of the user's own, as composed with everything else."""

from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf.errors import OmegaConfBaseException

from sweeper.config.hydra_errors import explain
from sweeper.errors import WrongInput
from tests.checkpoint_files import write_bloom, write_checkpoint, write_tokenizer
from tests.composed import trial

pytestmark = pytest.mark.usefixtures("composing")
NOOP = "framework._target_=tests.noop.Noop"


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
        (["model.path=bloom"], "family encoder, which arch=of_model lacks\nallowed: a model.path of that family"),
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
