"""What lies beside the weights of published checkpoints, by model type: tokenizer files, and what is said of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer

from tests.zoo import tokenizer_files as files
from tests.zoo.tokenizer_files import BPE, ROBERTA, Ids


def bert(directory: Path) -> Ids:
    files.write_config(directory, do_lower_case=True, model_max_length=512)
    return files.wordpieces(directory, ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])


def mpnet(directory: Path) -> Ids:
    special = {"bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>", "unk_token": "[UNK]"}
    files.write_config(directory, do_lower_case=True, **special, pad_token="<pad>", mask_token="<mask>")
    return files.wordpieces(directory, ["<s>", "<pad>", "</s>", "<unk>", "[UNK]", "<mask>"])


def roberta(directory: Path) -> Ids:
    return files.byte_pairs(directory, ROBERTA[:-1], last=ROBERTA[-1:])


def roberta_json(directory: Path) -> Ids:
    """As Transformers itself saves one."""
    files.write_special(directory, bos_token="<s>", eos_token="</s>", mask_token=files.mask_of("<mask>"))
    return files.byte_pairs_in_one_file(
        directory, ROBERTA[:-1], ("<s> $A </s>", "<s> $A </s> </s> $B:0 </s>"), last=ROBERTA[-1:]
    )


def deberta(directory: Path) -> Ids:
    files.write_config(directory, do_lower_case=False, vocab_type="gpt2")
    return files.byte_pairs(directory, ["[CLS]", "[PAD]", "[SEP]", "[UNK]"], last=["[MASK]"])


def deberta_v3(directory: Path) -> Ids:
    files.write_config(directory, do_lower_case=False, vocab_type="spm")
    names: dict[str, Any] = {"pad_piece": "[PAD]", "bos_piece": "[CLS]", "eos_piece": "[SEP]", "unk_piece": "[UNK]"}
    model = files.sentencepieces(directory, "spm.model", pad_id=0, bos_id=1, eos_id=2, unk_id=3, **names)
    return {name: number for number, (name, _) in enumerate([*files.scored(model), ("[MASK]", 0.0)])}


def albert(directory: Path) -> Ids:
    files.write_config(directory, do_lower_case=True, keep_accents=False, model_max_length=512)
    names: dict[str, Any] = {"bos_piece": "[CLS]", "eos_piece": "[SEP]", "control_symbols": ["[MASK]"]}
    model = files.sentencepieces(directory, "spiece.model", pad_id=0, unk_id=1, bos_id=2, eos_id=3, **names)
    ids = files.unigram_json(directory, model, "AlbertTokenizer", files.scored(model))
    return framed(directory, ids, ("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1"))


def xlnet(directory: Path) -> Ids:
    control = ["<cls>", "<sep>", "<pad>", "<mask>", "<eod>", "<eop>"]
    model = files.sentencepieces(directory, "spiece.model", control_symbols=control)
    ids = files.unigram_json(directory, model, "XLNetTokenizer", files.scored(model))
    return framed(directory, ids, ("$A:0 <sep>:0 <cls>:2", "$A:0 <sep>:0 $B:1 <sep>:1 <cls>:2"))


def framed(directory: Path, ids: Ids, frame: tuple[str, str]) -> Ids:
    """Make sure that a tokenizer.json puts texts into a frame, as the published one does."""
    file = directory / "tokenizer.json"
    read = Tokenizer.from_file(str(file))
    read.post_processor = files.template(frame, ids)
    read.save(str(file))
    return ids


def xlm_roberta(directory: Path, converted: bool = True, name: str = "sentencepiece.bpe.model") -> Ids:
    """sentencepiece's pieces, shifted by one for fairseq's order; RoBERTa is read the same way here."""
    model = files.sentencepieces(directory, name)
    special = [(piece, 0.0) for piece in ROBERTA]
    pieces = [*special[:-1], *files.scored(model)[3:], special[-1]]
    if converted:
        files.write_config(directory, model_max_length=512)
        return files.unigram_json(directory, model, "XLMRobertaTokenizer", pieces)
    return {name: number for number, (name, _) in enumerate(pieces)}


def camembert(directory: Path, converted: bool = True) -> Ids:
    model = files.sentencepieces(directory, "sentencepiece.bpe.model")
    special = [(piece, 0.0) for piece in ("<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>")]
    pieces = [*special, ("<unk>NOTUSED", -100.0), *files.scored(model)[1:], ("<mask>", 0.0)]
    if converted:
        files.write_config(directory, model_max_length=512)
        return files.unigram_json(directory, model, "CamembertTokenizer", pieces)
    return {name: number for number, (name, _) in enumerate(pieces)}


def modernbert(directory: Path) -> Ids:
    special = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "mask_token": "[MASK]"}
    inputs = ["input_ids", "attention_mask"]
    kind = "PreTrainedTokenizerFast"
    files.write_config(directory, **special, unk_token="[UNK]", model_input_names=inputs, tokenizer_class=kind)
    frame = ("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1")
    return files.byte_pairs_in_one_file(directory, [], frame, last=["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"])


END = "<|endoftext|>"


def gpt2(directory: Path) -> Ids:
    """Its end token stands in config.json only."""
    ids = files.byte_pairs(directory, [], last=[END])
    files.byte_pairs_in_one_file(directory, [], last=[END])
    files.write_config(directory, model_max_length=1024)
    return ids


def qwen(directory: Path) -> Ids:
    """Special pieces come after those of vocab.json; the tokenizer has no beginning, config.json names one."""
    last = [END, "<|im_start|>", "<|im_end|>"]
    before = files.byte_pairs(directory, [])
    ids = files.byte_pairs_in_one_file(directory, [], last=last)
    assert ids.keys() - {*last} == before.keys()
    added = {
        str(ids[piece]): {"content": piece, "lstrip": False, "normalized": False, "rstrip": False, "special": True}
        for piece in last
    }
    files.write_config(
        directory,
        add_prefix_space=False,
        added_tokens_decoder=added,
        additional_special_tokens=last[1:],
        bos_token=None,
        eos_token=END,
        pad_token=END,
        unk_token=None,
        tokenizer_class="Qwen2Tokenizer",
    )
    return ids


def opt(directory: Path) -> Ids:
    """It begins a text with its end token."""
    special = {"bos_token": "</s>", "eos_token": "</s>", "unk_token": "</s>", "pad_token": "<pad>"}
    files.write_config(
        directory,
        **special,
        errors="replace",
        add_prefix_space=False,
        add_bos_token=True,
        tokenizer_class="GPT2Tokenizer",
    )
    files.write_special(directory, **special)
    return files.byte_pairs(directory, ["<s>", "<pad>", "</s>", "<unk>"])


LLAMA_FRAME = ("<s> $A", "<s> $A <s>:1 $B:1")
LLAMA = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": None}


AS_IT_STANDS = {"byte_fallback": True, "remove_extra_whitespaces": False, "normalization_rule_name": "identity"}


def llama(directory: Path, legacy: bool = False) -> Ids:
    model = files.sentencepieces(directory, "tokenizer.model", BPE, vocab_size=380, **AS_IT_STANDS)
    files.write_config(
        directory, **LLAMA, add_bos_token=True, add_eos_token=False, legacy=legacy, tokenizer_class="LlamaTokenizer"
    )
    files.write_special(directory, bos_token="<s>", eos_token="</s>", unk_token="<unk>")
    return files.bpe_json(directory, model, "LlamaTokenizer", LLAMA_FRAME)


def llama3(directory: Path) -> Ids:
    """No sentencepiece any more, and its end is a list in config.json."""
    last = ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"]
    files.write_config(directory, bos_token=last[0], eos_token=last[1], tokenizer_class="PreTrainedTokenizerFast")
    frame = ("<|begin_of_text|> $A", "<|begin_of_text|> $A <|begin_of_text|>:1 $B:1")
    return files.byte_pairs_in_one_file(directory, [], frame, last=last)


def phi3(directory: Path) -> Ids:
    """LLaMA's pieces, with an end of its own that comes after all, no beginning, and padded to the left."""
    model = files.sentencepieces(directory, "tokenizer.model", BPE, vocab_size=380, **AS_IT_STANDS)
    ids = files.bpe_json(directory, model, "LlamaTokenizer", ("$A", "$A $B:1"))
    read = Tokenizer.from_file(str(directory / "tokenizer.json"))
    read.add_special_tokens([AddedToken(END, special=True, normalized=False)])
    read.save(str(directory / "tokenizer.json"))
    special = {**LLAMA, "eos_token": END, "pad_token": END, "padding_side": "left"}
    files.write_config(directory, **special, add_bos_token=False, add_eos_token=False, tokenizer_class="LlamaTokenizer")
    return {**ids, END: len(ids)}


def gemma(directory: Path) -> Ids:
    settings = {**AS_IT_STANDS, "add_dummy_prefix": False}
    names = {"pad_id": 0, "eos_id": 1, "bos_id": 2, "unk_id": 3, "eos_piece": "<eos>", "bos_piece": "<bos>"}
    model = files.sentencepieces(directory, "tokenizer.model", BPE, vocab_size=380, **settings, **names)
    special = {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>"}
    files.write_config(directory, **special, add_bos_token=True, add_eos_token=False, tokenizer_class="GemmaTokenizer")
    files.write_special(directory, **special)
    return files.bpe_json(directory, model, "GemmaTokenizer", ("<bos> $A", "<bos> $A <bos>:1 $B:1"))


def gpt_neox(directory: Path) -> Ids:
    special = {"bos_token": END, "eos_token": END, "unk_token": END}
    files.write_config(directory, **special, add_prefix_space=False, tokenizer_class="GPTNeoXTokenizer")
    return files.byte_pairs_in_one_file(directory, [END, "<|padding|>"])


def falcon(directory: Path) -> Ids:
    inputs = ["input_ids", "attention_mask"]
    kind = "PreTrainedTokenizerFast"
    files.write_config(directory, eos_token=END, model_input_names=inputs, model_max_length=2048, tokenizer_class=kind)
    return files.byte_pairs_in_one_file(directory, [">>TITLE<<", ">>ABSTRACT<<", END])


def bloom(directory: Path) -> Ids:
    special = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
    files.write_config(directory, **special, padding_side="left", tokenizer_class="BloomTokenizerFast")
    files.write_special(directory, **special)
    return files.byte_pairs_in_one_file(directory, ["<unk>", "<s>", "</s>", "<pad>"])
