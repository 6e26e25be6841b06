"""What a file of torch.save before version 1.6 holds, read without running what it asks for.

Published fairseq checkpoints are of this kind. Such a file is a row of pickles (a magic number, the format's version,
sizes of C's types, the content, the storages' keys), and then for each key how many numbers its storage has, as a
64-bit integer, and the numbers.
"""

from __future__ import annotations

from pathlib import Path

from sweeper.checkpoints.pickled_tensors import Pickled, StandIns, TensorReader, refuse

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
COUNT_BYTES = 8


def read_old(file: Path, others: StandIns, remedy: str) -> Pickled:
    """Read such a file. Raises WrongInput for names that neither tensors nor `others` need, and when it is cut off."""
    with file.open("rb") as stream:
        reader = TensorReader(file, stream, others, remedy)
        if reader.read() != MAGIC_NUMBER:
            refuse(file, "is no file of torch.save", remedy)
        _version, _sizes, content, keys = (reader.read() for _ in range(4))
        end = stream.tell()
    if not isinstance(keys, list) or not all(str(key) in reader.storages for key in keys):
        refuse(file, "is corrupt: it lists numbers that no tensor is of", remedy)
    stored = {str(key): reader.storages[str(key)].size_bytes for key in keys}
    end += sum(COUNT_BYTES + size for size in stored.values())
    if file.stat().st_size < end:
        refuse(file, f"is cut off: its tensors end at {end} bytes, it has {file.stat().st_size}", remedy)
    return Pickled(file, content, stored, remedy)
