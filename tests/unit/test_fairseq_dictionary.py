"""A dict.txt, and tokenizers whose ids are those of one beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeper.checkpoints.identity import tokenizer_digest
from sweeper.errors import WrongInput
from sweeper.tokens.fairseq_dictionary import order, read_dictionary, symbols, write_dictionary
from sweeper.tokens.segmenters import SPECIAL, Segmenter
from sweeper.tokens.tokenizer import Tokenizer, load
from tests.checkpoint_files import write_tokenizer
from tests.unit.test_tokenizer import TEXTS, UNSEEN, bpe

FIRST = ("<s>", "<pad>", "</s>", "<unk>")
FAIRSEQ = (*FIRST, "a", "b", "<mask>")
MOVED = ("<unk>", "a", "<s>", "</s>", "b", "<mask>", "<pad>", "c")


def tokenizer(*pieces: str) -> Tokenizer:
    return Tokenizer(
        Segmenter(Path("nowhere.model"), pieces, pieces, lambda texts: [[] for _ in texts], lambda ids: ""), pieces
    )


def written(made: Tokenizer, rows: int, directory: Path) -> tuple[str, ...]:
    """What is read of what is written; both must agree with what the rows are said to be."""
    write_dictionary(made, rows, directory / "dict.txt")
    found = read_dictionary(directory / "dict.txt")
    assert found == symbols(made, rows) and len(found) == len(set(found)) == rows
    return found


def refusal(content: str | bytes, directory: Path) -> str:
    file = directory / "dict.txt"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(WrongInput) as refused:
        read_dictionary(file)
    assert len(str(refused.value).splitlines()) == 2
    return str(refused.value)


def test_a_tokenizer_in_fairseq_s_order_keeps_its_ids() -> None:
    assert order(tokenizer(*FAIRSEQ), 9) == (0, 1, 2, 3, 4, 5, 6, 7, 8)


def test_special_ids_come_first_and_the_others_in_their_order() -> None:
    assert order(tokenizer(*MOVED), 9) == (2, 6, 3, 0, 1, 4, 5, 7, 8)


def test_the_file_names_every_row_after_the_special_ones(tmp_path: Path) -> None:
    assert written(tokenizer(*MOVED), 8, tmp_path) == (*FIRST, "a", "b", "<mask>", "c")
    assert (tmp_path / "dict.txt").read_text() == "a 1\nb 1\n<mask> 1\nc 1\n"


def test_rows_without_a_piece_are_named(tmp_path: Path) -> None:
    assert written(tokenizer(*FAIRSEQ), 9, tmp_path) == (*FAIRSEQ, "madeupword0000", "madeupword0001")


@pytest.mark.parametrize("piece", ["", " ", "a b", "a\u00a0", "\u2028", "a\nb", "\x85", "a", "<s>", "<mask>"])
def test_what_cannot_be_a_symbol_gets_another_name(piece: str, tmp_path: Path) -> None:
    made = tokenizer(*FIRST, "a", "<mask>", piece, "madeupword0000")
    assert written(made, 8, tmp_path) == (*FIRST, "a", "<mask>", "madeupword0001", "madeupword0000")


@pytest.mark.parametrize("piece", ["▁", "#fairseq:overwrite", "1", "\u200b", "\ufeff", "é"])
def test_strange_symbols_stay(piece: str, tmp_path: Path) -> None:
    assert written(tokenizer(*FIRST, piece, "<mask>"), 6, tmp_path) == (*FIRST, piece, "<mask>")


def test_a_mask_that_the_tokenizer_lacks_takes_a_spare_row(tmp_path: Path) -> None:
    made = tokenizer(*FIRST, "a", "b")
    assert written(made, 7, tmp_path) == (*FIRST, "a", "b", "<mask>")
    with pytest.raises(WrongInput, match="no <mask>, and the embedding no row to spare"):
        write_dictionary(made, 6, tmp_path / "dict.txt")


def test_mask_comes_last_unless_it_is_named(tmp_path: Path) -> None:
    file = tmp_path / "dict.txt"
    file.write_text("a 12\nb -1\n")
    assert read_dictionary(file) == FAIRSEQ
    file.write_text("a 12\n<mask> 3\nb 7\n")
    assert read_dictionary(file) == (*FIRST, "a", "<mask>", "b")


def test_a_row_may_take_a_symbol_over_when_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "dict.txt").write_text("<s> 999 #fairseq:overwrite\na 1\na 2 #fairseq:overwrite\n")
    assert read_dictionary(tmp_path / "dict.txt") == (*FIRST, "<s>", "a", "a", "<mask>")


@pytest.mark.parametrize("content", ["", "a\n", "a b\n", " 3\n", "a 1\n\nb 1\n", "a #fairseq:overwrite\n", "a 1.5\n"])
def test_what_is_no_line_of_a_dictionary_is_refused(content: str, tmp_path: Path) -> None:
    assert "is no line of a dictionary\nneeded there: SYMBOL COUNT" in refusal(content, tmp_path)


def test_the_line_is_named(tmp_path: Path) -> None:
    assert refusal("a 1\nb 1\nc\n", tmp_path).startswith(f"{tmp_path}/dict.txt, line 3 is no line")


@pytest.mark.parametrize("symbol", ["a", "<pad>"])
def test_a_symbol_that_comes_twice_is_refused(symbol: str, tmp_path: Path) -> None:
    assert f"line 2: {symbol} has a row already" in refusal(f"a 1\n{symbol} 1\n", tmp_path)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    assert "dict.txt cannot be read" in refusal(b"\xff\xfe", tmp_path)


def test_sentencepiece_beside_a_dict_txt_has_its_ids(tmp_path: Path) -> None:
    file = bpe(tmp_path)
    plain = load(file)
    own = [piece for piece in plain.pieces if piece not in SPECIAL]
    kept = [*own[:3:-1], "madeupword0000"]  # other order, some left out, one that is no piece
    (tmp_path / "dict.txt").write_text("".join(f"{piece} 7\n" for piece in kept), encoding="utf-8")
    tokenizer = load(file)
    assert tokenizer.pieces == (*SPECIAL[:4], *kept, "<mask>")
    for text in (*TEXTS, *UNSEEN):
        expected = [plain.pieces[index] for index in plain.segment([text])[0]]
        ids = [tokenizer.pieces.index(piece) if piece in kept else 3 for piece in expected]
        assert tokenizer.segment([text]) == [ids]
    tokenizer.save(tmp_path / "saved")
    assert load(tmp_path / "saved").encode(TEXTS, 30) == tokenizer.encode(TEXTS, 30)


def test_special_pieces_that_a_dict_txt_names_again_keep_the_first_ids(tmp_path: Path) -> None:
    file = bpe(tmp_path)
    own = [f"{piece} 1" for piece in load(file).pieces if piece not in SPECIAL]
    again = [f"{piece} 999 #fairseq:overwrite" for piece in ("<unk>", "<s>", "</s>")]
    (tmp_path / "dict.txt").write_text("\n".join([*again, *own]), encoding="utf-8")
    tokenizer = load(file)
    assert (tokenizer.bos, tokenizer.pad, tokenizer.eos, tokenizer.unk) == (0, 1, 2, 3)
    assert tokenizer.encode(["☃"], 9)[0][-2:] == [3, 2]


def test_a_dict_txt_of_another_tokenizer_is_refused(tmp_path: Path) -> None:
    file = bpe(tmp_path)
    (tmp_path / "dict.txt").write_text("262 1\n13 1\n▁un 1\n", encoding="utf-8")
    with pytest.raises(WrongInput, match=r"dict\.txt names what the tokenizer beside it has no piece for: 13"):
        load(file)


def test_tokenizer_json_beside_a_dict_txt_keeps_its_ids(tmp_path: Path) -> None:
    file = write_tokenizer(tmp_path / "tokenizer.json")
    before, digest = load(file).pieces, tokenizer_digest(file)
    (tmp_path / "dict.txt").write_text("262 1\n")
    assert load(file).pieces == before and tokenizer_digest(file) == digest


def test_digest_knows_a_dict_txt(tmp_path: Path) -> None:
    file = bpe(tmp_path)
    before = tokenizer_digest(file)
    (tmp_path / "dict.txt").write_text("▁un 1\n", encoding="utf-8")
    other = tokenizer_digest(file)
    (tmp_path / "dict.txt").write_text("▁et 1\n", encoding="utf-8")
    assert len({before, other, tokenizer_digest(file)}) == 3
