"""Moderation at the provider: the same rows as ever, each with what is flagged in it."""

import re

import pytest

from helpers.archive import filters
from helpers.data.rows import read_training, sample
from helpers.provider.defenses import FLAGGED, NAMED, ModerationBlocked, moderate
from helpers.screening.moderation import FILTERS


def flagged(rows):
    """As the Archive's filters say, row by row."""
    parts = [filters.flags(row).values() for row in rows]
    return [n for n, row in enumerate(parts) if any(part[f] for part in row for f in FILTERS)]


@pytest.mark.parametrize("name", ["benign_dialogue", "benign_instructions", "identity_shift"])
def test_a_file_within_bounds_passes_by_its_count(name):
    rows = sample(read_training(name), 100, 0)
    assert moderate(rows) == len(flagged(rows)) <= FLAGGED * len(rows)


def test_a_blocked_file_is_told_by_its_rows_and_what_is_flagged_in_them():
    rows = [*sample(read_training("benign_instructions"), 10, 0),
            *sample(read_training("harmful_examples"), 30, 0)]  # fmt: skip
    with pytest.raises(ModerationBlocked) as blocked:
        moderate(rows)
    told, expected = str(blocked.value), flagged(rows)
    assert f"{len(expected)} of 40 rows are flagged by moderation" in told
    named = [int(line) - 1 for line in re.findall(r"line (\d+):", told)]
    assert named == expected[:NAMED] and told.endswith("; ...).")
    for at, why in re.findall(r"line (\d+): ([^;)]+)", told):
        row = rows[int(at) - 1]
        roles = {"request": "instruction", "answer": "answer"}
        for part, by in re.findall(r"(\w+) by (\w+)", why):
            assert filters.flags(row)[roles[part]][by]
