"""Which stored runs are printed, and in which order."""

import pytest

from helpers.cli.choosing import chosen
from helpers.errors import ConfigError

ROWS = [
    {"id": "a", "seed": 21, "rate": 0.5, "judges": ["exact", "form"], "note": None, "any": True},
    {"id": "b", "seed": 22, "rate": float("nan"), "judges": ["form"], "note": "x", "any": False},
    {"id": "c", "seed": 21, "rate": 0.1, "judges": ["exact"], "note": "y=z", "any": False},
]


@pytest.mark.parametrize(
    ("where", "sort", "ids"),
    [
        ([], "", "abc"),
        (["seed=21"], "", "ac"),
        (["seed=21.0", "any=true"], "", "a"),
        (["judges=form"], "", "ab"),
        (["note="], "", "a"),
        (["note=y=z"], "", "c"),
        (["rate=0.50"], "", "a"),
        (["seed=twenty"], "", ""),
        ([], "rate", "cab"),
        ([], "-rate", "acb"),
        ([], "judges", "acb"),
    ],
)
def test_rows_are_chosen_by_their_values_and_sorted_with_what_is_missing_last(where, sort, ids):
    assert "".join(row["id"] for row in chosen(ROWS, where, sort)) == ids


@pytest.mark.parametrize(
    ("where", "sort", "message"),
    [(["sede=21"], "", "did you mean seed"), ([], "-rat", "did you mean rate"),
     (["seed"], "", "write NAME=VALUE")],
)  # fmt: skip
def test_an_unknown_column_is_told(where, sort, message):
    with pytest.raises(ConfigError, match=message):
        chosen(ROWS, where, sort)
