"""What a benchmark finds: figures, each with its unit and, where there is one, its limit."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """limit: what value must not pass: from above, or from below where more is better."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    more_is_better: bool = False

    @property
    def held(self) -> bool | None:
        """Whether the limit was kept; None where there is none."""
        if self.limit is None:
            return None
        return self.value >= self.limit if self.more_is_better else self.value <= self.limit

    def __str__(self) -> str:
        bound = ""
        if self.limit is not None:
            bound = f"{'at least' if self.more_is_better else 'at most'} {self.limit:g}"
        missed = "" if self.held in (None, True) else "  MISSED"
        return f"{self.name:58} {self.value:10.2f} {self.unit:8} {bound}{missed}".rstrip()


def show(figures: Sequence[Figure]) -> None:
    """Print a line each."""
    for figure in figures:
        print(figure, flush=True)
