"""Small models that the libraries themselves draw, in directories of either format."""

from __future__ import annotations

import shutil
from argparse import Namespace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, PreTrainedModel

from sweeper.tokens.tokenizer import Tokenizer

HEAD = "sentence_classification_head"
LONGEST, CLASSES = 256, 3
SHAPE = {"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 96}


def stir(model: nn.Module, seed: int) -> None:
    """Move every parameter: freshly drawn ones are zero or one in many places, where an exchange would not show."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))


def load_fairseq_directory(directory: Path) -> tuple[Any, Any]:
    """Return a directory's model and task as stock fairseq loads them."""
    from fairseq import checkpoint_utils

    models, _, task = checkpoint_utils.load_model_ensemble_and_task(
        [str(directory / "model.pt")], arg_overrides={"data": str(directory)}
    )
    return models[0], task


def write_fairseq(directory: Path, model_type: str, tokenizer: Tokenizer, stirred: bool) -> Path:
    """A directory as published ones are, of a model that fairseq drew, with both heads."""
    from fairseq.data import Dictionary
    from fairseq.models.roberta import RobertaModel
    from fairseq.tasks.masked_lm import MaskedLMConfig, MaskedLMTask

    directory.mkdir()
    pieces = [piece for piece in tokenizer.pieces[4:] if piece != "<mask>"]
    (directory / "dict.txt").write_text("".join(f"{piece} 1\n" for piece in pieces), encoding="utf-8")
    shutil.copy(tokenizer.segmenter.file, directory / "sentencepiece.bpe.model")
    args = Namespace(
        arch="roberta",
        task="masked_lm",
        criterion="masked_lm",
        max_positions=LONGEST,
        encoder_embed_dim=SHAPE["hidden_size"],
        encoder_layers=SHAPE["num_hidden_layers"],
        encoder_attention_heads=SHAPE["num_attention_heads"],
        encoder_ffn_embed_dim=SHAPE["intermediate_size"],
        encoder_normalize_before=model_type != "roberta",
        encoder_layerdrop=0,
        load_checkpoint_heads=True,
    )
    torch.manual_seed(5)
    task = MaskedLMTask(MaskedLMConfig(data=str(directory)), Dictionary.load(str(directory / "dict.txt")))
    model = RobertaModel.build_model(args, task)
    model.register_classification_head(HEAD, num_classes=CLASSES)
    if stirred:
        stir(model, 1)
    content: dict[str, Any] = {"args": args, "model": model.state_dict(), "extra_state": {"epoch": 1}}
    content["optimizer_history"] = [{"lr_scheduler_state": {}}]
    torch.save(content, directory / "model.pt")
    return directory


def write_transformers(directory: Path, model_type: str, head: Any, tokenizer: Tokenizer) -> PreTrainedModel:
    """A directory of a model whose token types are not zero, all its parameters stirred."""
    config = AutoConfig.for_model(
        model_type,
        vocab_size=tokenizer.size + 3,  # some rows that no id needs
        max_position_embeddings=LONGEST + tokenizer.pad + 1,
        type_vocab_size=2,
        layer_norm_eps=1e-5,
        num_labels=CLASSES,
        bos_token_id=tokenizer.bos,
        pad_token_id=tokenizer.pad,
        eos_token_id=tokenizer.eos,
        **SHAPE,
    )
    torch.manual_seed(6)
    model: PreTrainedModel = head.from_config(config)
    stir(model, 2)
    with torch.no_grad():
        model.base_model.embeddings.token_type_embeddings.weight.normal_(std=0.3)
    model.save_pretrained(directory)
    tokenizer.save(directory)
    return model
