from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from sweeper.data import corpus
from sweeper.data.corpus import Corpus, texts
from sweeper.errors import WrongInput
from sweeper.trial.settings import check_ranges

CONTENT = "première ligne\r\n\n  deux\u2028lignes\u0085ou une \n \t\ntrois\rquatre\ndernière".encode()
TEXTS = ["première ligne", "deux\u2028lignes\u0085ou une", "trois\rquatre", "dernière"]
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".txt": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_text_a_line_plain_or_compressed(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"corpus{suffix}"
    file.write_bytes(COMPRESS[suffix](CONTENT))
    assert list(texts([file])) == TEXTS
    settings = Corpus(files=str(file))
    settings.check()
    assert settings.unlabelled() == TEXTS == list(settings.texts())


def test_every_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text(f"{name}\n\ufeff{name}", encoding="utf-8-sig")
    # Elsewhere it is a character of the text.
    assert list(texts([tmp_path / "a", tmp_path / "b"])) == ["a", "\ufeffa", "b", "\ufeffb"]


def test_files_are_globbed_sorted_and_distinct(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b.txt", "a.txt", "a.md", ".c.txt", "deep/d.txt", "odd[1].txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    names = ["~/b.txt", str(tmp_path / "[ab].txt"), "~/**/d.*", "~/odd[1].txt"]
    found = Corpus(files=names).paths()
    assert [str(path.relative_to(tmp_path)) for path in found] == ["a.txt", "b.txt", "deep/d.txt", "odd[1].txt"]
    assert list(Corpus(files="~/*.txt").texts()) == ["a.txt", "b.txt", "odd[1].txt"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ab cd ef gh ij", ["ab cd", "ef gh", "ij"]),
        ("abcdefghijklmnop q", ["abcdefg", "hijklmn", "op q"]),
        ("éééééé", ["ééé", "ééé"]),
        ("a" + 3 * "𝔘", ["a𝔘", "𝔘", "𝔘"]),
        ("        x", ["x"]),
        ("abcdefgh\nij", ["abcdefg", "h", "ij"]),
        ("abcdefg\nij", ["abcdefg", "ij"]),
    ],
)
def test_a_line_that_is_too_long_is_cut(
    line: str, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus, "LONGEST_LINE_BYTES", 8)
    (tmp_path / "long.txt").write_text(line, encoding="utf-8")
    assert list(texts([tmp_path / "long.txt"])) == expected


@pytest.mark.parametrize(
    ("content", "line"),
    [(b"one two three four\n\nfive six\xe9 seven\n", 3), (b"\x80" * 30, 1)],
    ids=["lines are counted where they are cut", "bytes that never begin a character"],
)
def test_what_is_no_text_ends_the_reading(
    content: bytes, line: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus, "LONGEST_LINE_BYTES", 8)
    (tmp_path / "long.txt").write_bytes(content)
    with pytest.raises(WrongInput, match=rf"long.txt, line {line} is not UTF-8"):
        list(texts([tmp_path / "long.txt"]))


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
@pytest.mark.parametrize("damage", ["ends early", "no archive", "changed"])
def test_damaged_archives_are_named(suffix: str, damage: str, tmp_path: Path) -> None:
    whole = COMPRESS[suffix]("\n".join(hashlib.sha256(str(n).encode()).hexdigest() for n in range(5000)).encode())
    middle = len(whole) // 2
    changed = whole[:middle] + bytes(64) + whole[middle + 64 :]
    content = {"ends early": whole[:middle], "no archive": b"plain text\n", "changed": changed}[damage]
    file = tmp_path / f"corpus{suffix}"
    file.write_bytes(content)
    with pytest.raises(WrongInput, match=rf"corpus\{suffix} cannot be read to its end: .+\n"):
        list(texts([file]))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (None, r"^corpus is missing\n"),
        ([], r"^corpus is missing\n"),
        ("absent.txt", r"^corpus=absent.txt does not exist\n"),
        (["some.txt", "*.text"], r"^corpus=\*.text does not exist\n"),
        ("directory", r"^corpus=directory is a directory\n.*corpus='directory/\*.txt'"),
        ("latin1.txt", r"^latin1.txt, line 1 is not UTF-8"),
        (["some.txt", "broken.xz"], r"^broken.xz cannot be read to its end"),
        ("blank.txt", r"^corpus=blank.txt holds no text\n"),
    ],
)
def test_wrong_files_are_refused(
    files: list[str] | str | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("directory").mkdir()
    Path("some.txt").write_text("text")
    Path("blank.txt").write_text(" \n\n")
    Path("latin1.txt").write_bytes("été".encode("latin-1"))
    Path("broken.xz").write_bytes(b"not xz")
    with pytest.raises(WrongInput, match=message) as raised:
        Corpus(files=files).check()
    assert len(str(raised.value).splitlines()) <= 3


def test_what_a_corpus_has_not_is_refused(tmp_path: Path) -> None:
    (tmp_path / "some.txt").write_text("text")
    settings = Corpus(files=str(tmp_path / "some.txt"))
    assert (settings.label_names(), settings.notes(), settings.tokenizer_path()) == ((), (), None)
    with pytest.raises(WrongInput, match="no labels"):
        settings.splits()
    with pytest.raises(WrongInput, match=r"^data.limit=10 "):
        Corpus(files=settings.files, limit=10).check()
    with pytest.raises(WrongInput, match=r"^held_out_share=0\.6"):
        check_ranges(Corpus(files=settings.files, held_out_share=0.6))


def test_digest_follows_content_and_where_files_end(tmp_path: Path) -> None:
    for name, content in {"a": "abc", "b": "d", "c": "ab", "d": "cd"}.items():
        (tmp_path / name).write_text(content)

    def digest(*names: str) -> str:
        return Corpus(files=[str(tmp_path / name) for name in names]).digest()

    # Of one file: SHA-256 of the SHA-256 of "abc", as `printf abc | sha256sum | cut -c-64 | xxd -r -p | sha256sum`.
    assert digest("a") == "4f8b42c22dd3729b519ba6f68d2da7cc5b2d606d05daed5ad5128cc03e6c6358"
    assert digest("a", "b") == digest("b", "a") != digest("c", "d")
    before = digest("a")
    (tmp_path / "a").rename(tmp_path / "e")
    assert digest("e") == before
