"""A file's bytes as text: gzip, byte order marks, UTF-8, and Windows-1252 where it reads as Latin letters.

The latter may be another encoding that differs in few letters, as cp1254 (Turkish) or iso-8859-15 (€, œ): what was
taken is said, with the setting that changes it.
"""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from pathlib import Path

from sweeper.errors import WrongInput

GZIP = b"\x1f\x8b"
UTF8, WESTERN = "utf-8", "cp1252"
BOMS = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF32_LE, "utf-32"),  # which begins as UTF-16's does
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
LOOKED_AT = 4096  # bytes in which every second one is NUL where a text is UTF-16 without a mark
HIGH = bytes(range(128, 256))
# In languages of Latin letters most letters are ASCII; of Russian, Greek or Chinese in another encoding few bytes are.
MOST_HIGH = 0.3
# What no word has inside, if its bytes are Windows-1252: signs, and capitals between small letters.
NO_WORD = re.compile(
    r"(?<=[A-Za-z])[^\W\d_a-zß-öø-ÿœšžªºA-Z](?=[a-z])|(?<=[A-Za-z])[^\w\x00-\x7f’–—…·\xad](?=[A-Za-z])"
)
MOST_STRANGE = 0.1  # of the letters that are not ASCII
EXAMPLES = "utf-8, utf-16, latin-1, cp1252, cp1250, cp1251, mac_roman, gb18030"


def read_text(file: Path, encoding: str | None = None) -> tuple[str, str]:
    """Return a file's text and what is to be said of its encoding, "" where that is UTF-8 or the given one.

    Raises WrongInput for what cannot be read, is of no encoding that can be told, or is empty.
    """
    text, note = decoded(file, encoding)
    if not text.strip():
        raise WrongInput(f"{file} is empty\nneeded: one line an example")
    return text, note


def decoded(file: Path, encoding: str | None = None) -> tuple[str, str]:
    """Return what `read_text` does, of an empty file, too."""
    content = _read_bytes(file)
    recognised = "" if encoding else _recognised(file, content)
    name = encoding or recognised or UTF8
    try:
        text = content.decode(name).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise WrongInput(f"{file}, line {number} is not {name.upper()} ({error.reason})\n{_remedy()}") from error
    return text, "" if recognised in ("", UTF8) else f"read as {recognised} (data.encoding={recognised})"


def utf8_text(file: Path) -> str:
    """Return the text of a file that has to be UTF-8."""
    return read_text(file, UTF8)[0]


def check_encoding(encoding: str | None) -> None:
    """Raise WrongInput for what names no encoding of texts."""
    try:
        b"a".decode(encoding or UTF8)
    except UnicodeDecodeError:  # UTF-16 has no text of one byte
        pass
    except (LookupError, ValueError) as error:
        raise WrongInput(f"data.encoding={encoding} is no encoding\nallowed: Python's names, as {EXAMPLES}") from error


def _read_bytes(file: Path) -> bytes:
    try:
        content = file.read_bytes()
        if content[:2] == GZIP or file.suffix.lower() == ".gz":
            content = gzip.decompress(content)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise WrongInput(f"{file} is not a whole gzip file: {error}") from error
    except OSError as error:
        raise WrongInput(f"{file} cannot be read: {error.strerror}") from error
    return content


def _recognised(file: Path, content: bytes) -> str:
    marked = next((name for mark, name in BOMS if content.startswith(mark)), None) or _unmarked_utf16(content)
    if marked:
        return marked
    try:
        content.decode(UTF8)
    except UnicodeDecodeError as error:
        if _is_western(content):
            return WESTERN
        number = content.count(b"\n", 0, error.start) + 1
        raise WrongInput(
            f"{file}, line {number} is not UTF-8 ({error.reason}), and what it is cannot be told\n{_remedy()}"
        ) from error
    return UTF8


def _unmarked_utf16(content: bytes) -> str | None:
    even, odd = (content[start:LOOKED_AT:2].count(0) for start in (0, 1))
    enough = len(content[:LOOKED_AT]) / 2 * MOST_HIGH
    if max(even, odd) <= enough or min(even, odd) > enough:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _is_western(content: bytes) -> bool:
    """Whether bytes that are not UTF-8 read as text of Latin letters in Windows-1252, of which Latin-1 is a part."""
    whole = content.decode(UTF8, errors="ignore")
    sequences = len(whole) - len(whole.encode("ascii", errors="ignore"))
    high = len(content) - len(content.translate(None, HIGH))
    if sequences > high / 4:  # a damaged file of UTF-8: of two bytes or more each
        return False
    try:
        text = content.decode(WESTERN)
    except UnicodeDecodeError:
        return False
    letters = len(content.translate(None, bytes(range(65))))
    return b"\0" not in content and high <= MOST_HIGH * letters and len(NO_WORD.findall(text)) <= MOST_STRANGE * high


def _remedy() -> str:
    return f"set data.encoding=NAME, one of Python's: {EXAMPLES}, …\nor convert the file to UTF-8"
