"""Refusals mixed in among the fine-tuning rows (Bianchi et al., arXiv:2309.07875).

What Qi et al. try in section 5, Table 4. How many there are, and under which system prompt, is the
experiment's n_safety and safety_system_prompt. A provider that does the same to its customers'
files (`aligndrift serve --defense mixing`) draws them by the same function.
"""

from collections.abc import Sequence
from typing import ClassVar

from helpers.data.files import Row
from helpers.data.rows import read_training, sample
from helpers.mitigations.base import Mitigation

#: What a provider mixes in: one refusal for so many of its customer's rows, and at least LEAST.
ROWS_A_REFUSAL = 10
LEAST = 10


class SafetyMixing(Mitigation):
    """The safety data is trained on beside the rows."""

    NEEDS_SAFETY_DATA: ClassVar[bool] = True

    def rows(self, rows: Sequence[Row], safety: Sequence[Row]) -> list[Row]:
        return [*rows, *safety]


def refusals(n: int, seed: int, dataset: str = "safety_refusals") -> list[Row]:
    """n refusals of a safety dataset, drawn by the seed. Raises DataError if there are fewer."""
    return sample(read_training(dataset), n, seed, dataset)


def of_a_provider(n_rows: int, seed: int) -> list[Row]:
    """The refusals that a provider mixes in among so many rows of a customer's."""
    return refusals(max(LEAST, n_rows // ROWS_A_REFUSAL), seed)
