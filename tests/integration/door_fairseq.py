"""Directories in fairseq's format that cannot be used."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.checkpoint_files import Harm
from tests.fairseq_files import SYMBOLS, shapes, write_dict, write_fairseq
from tests.integration.door import Case

MODEL = "model.path=fairseq_"
CASES = [
    Case(f"arch=tiny {MODEL}deep", ("model.path=fairseq_deep", "arch=of_model", "arch.encoder.layers=3")),
    Case(f"{MODEL}shallow arch=of_model", ("fairseq_shallow: its model.pt lacks encoder.sentence_encoder.layers.2",)),
    Case(
        f"{MODEL}wide arch=of_model", ("fairseq_wide", "of another shape than its model.pt", "[128, 64]", "[256, 64]")
    ),
    Case(f"{MODEL}relu", ("fairseq_relu", "activation_fn=relu", "activation_fn=gelu")),
    Case(f"{MODEL}prenorm", ("fairseq_prenorm", "layernorm_embedding=False", "layernorm_embedding=True")),
    Case(f"{MODEL}bart", ("fairseq_bart", "arch=bart_base", "roberta, ")),
    Case(f"{MODEL}short_dict", ("fairseq_short_dict", "dict.txt stands for 6 rows", "model.pt has 7")),
    Case(f"{MODEL}long_dict model=rd", ("fairseq_long_dict", "dict.txt stands for 8 rows", "model.pt has 7")),
    Case(f"{MODEL}other_dict", ("fairseq_other_dict", "<mask> another id", "tokenizer.path")),
    Case(f"{MODEL}torn_dict", ("fairseq_torn_dict/dict.txt, line 2", "SYMBOL COUNT")),
    Case(f"{MODEL}no_dict", ("fairseq_no_dict holds no dict.txt", "sentencepiece.bpe.model")),
    Case(f"{MODEL}cut", ("fairseq_cut/model.pt is cut off", "fairseq's RoBERTa")),
    Case(f"{MODEL}old_cut", ("fairseq_old_cut/model.pt is cut off", "fairseq's RoBERTa")),
    Case(f"{MODEL}text", ("fairseq_text/model.pt is corrupt", "fairseq's RoBERTa")),
    Case(f"{MODEL}harm", ("fairseq_harm/model.pt would run posix.system", "refused", "fairseq's RoBERTa")),
    Case(f"{MODEL}old_harm", ("fairseq_old_harm/model.pt would run posix.system", "refused")),
    Case(f"{MODEL}harm model=rd", ("fairseq_harm/model.pt would run posix.system", "refused")),
    Case(f"{MODEL}harm arch=of_model", ("fairseq_harm/model.pt would run posix.system", "refused")),
    Case(f"{MODEL}no_args", ("fairseq_no_args/model.pt holds no model", '"args"')),
    Case(f"{MODEL}no_model", ("fairseq_no_model/model.pt holds no model",)),
    Case(f"{MODEL}no_tokenizer", ("fairseq_no_tokenizer", "one tokenizer", "tokenizer.path=FILE")),
    Case(f"{MODEL}several", ("fairseq_several", "checkpoint1.pt, checkpoint2.pt", "model.pt")),
]


def make(directory: Path) -> None:
    """Create what the cases need; every name begins with fairseq_."""
    make_models(directory)
    make_dictionaries(directory)
    make_broken(directory)


def make_models(directory: Path) -> None:
    """Whole checkpoints of models that are another one than wanted, or than can be."""
    write_fairseq(directory / "fairseq_deep", {"encoder_layers": 3}, shapes(layers=3))
    write_fairseq(directory / "fairseq_shallow", {"encoder_layers": 3})
    write_fairseq(directory / "fairseq_wide", {"encoder_ffn_embed_dim": 256})
    write_fairseq(directory / "fairseq_relu", {"activation_fn": "relu"})
    write_fairseq(directory / "fairseq_prenorm", {"arch": "roberta_prenorm"})
    write_fairseq(directory / "fairseq_bart", {"arch": "bart_base"})


def make_dictionaries(directory: Path) -> None:
    """Checkpoints whose dict.txt is another one's."""
    others = {"short_dict": SYMBOLS[1:], "long_dict": ("bon", *SYMBOLS), "other_dict": ("<mask>", "mal", "bien")}
    for name, symbols in {**others, "torn_dict": SYMBOLS}.items():
        write_dict(write_fairseq(directory / f"fairseq_{name}") / "dict.txt", symbols)
    (directory / "fairseq_torn_dict" / "dict.txt").write_text("bien 1\nmal\n")
    (write_fairseq(directory / "fairseq_no_dict") / "dict.txt").unlink()


def make_broken(directory: Path) -> None:
    """Checkpoints of which something is missing, damaged or harmful."""
    for name in ("cut", "old_cut"):
        file = write_fairseq(directory / f"fairseq_{name}", old=name.startswith("old")) / "model.pt"
        file.write_bytes(file.read_bytes()[:-20])
    for name in ("harm", "old_harm"):
        write_fairseq(directory / f"fairseq_{name}", others={"extra_state": Harm()}, old=name.startswith("old"))
    (write_fairseq(directory / "fairseq_text") / "model.pt").write_text("version https://git-lfs.github.com/spec/v1")
    write_fairseq(directory / "fairseq_no_args", others={"args": None})
    write_fairseq(directory / "fairseq_no_model", others={"model": None})
    (write_fairseq(directory / "fairseq_no_tokenizer") / "tokenizer.json").unlink()
    several = write_fairseq(directory / "fairseq_several")
    shutil.copy(several / "model.pt", several / "checkpoint1.pt")
    (several / "model.pt").rename(several / "checkpoint2.pt")
