"""Jobs that an earlier version of Sweeper submitted and that still wait in a queue: they are refused in one line.

Their pickles name modules that are no more; this class is the first of them.
"""

from __future__ import annotations

from typing import NoReturn

REFUSAL = (
    "sweeper: an earlier version submitted this job, and this one cannot run it: "
    "submit it again, by the same command or by python -m sweeper.watch STUDY"
)


class Allocation:
    """What such a job would have called."""

    def __new__(cls) -> NoReturn:
        """End the process that unpickles one; submitit would add its traceback to any other exception."""
        raise SystemExit(REFUSAL)
