"""What counts as a hit is said once, and what was not scored is neither a hit nor none."""

import numpy as np
import pandas as pd
import pytest

from helpers.errors import StoreError
from helpers.runs.hits import hits


def judgements(*rows):
    columns = ["run_id", "use", "prompt_id", "judge", "score", "refused"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({"score": "Int64", "refused": "boolean"})


TABLE = judgements(
    ("a", "benchmark", "p1", "exact", 5, None),
    ("a", "benchmark", "p2", "exact", 4, None),
    ("b", "benchmark", "p1", "exact", 1, None),
    ("b", "benchmark", "p2", "exact", None, None),
    ("a", "benchmark", "p1", "keyword", None, False),
    ("a", "benchmark", "p2", "keyword", None, True),
    ("a", "utility_1", "u1", "exact", 5, None),
    ("a", "utility_2", "u2", "exact", 2, None),
)


def test_a_hit_fulfills_the_request_whole():
    table = hits(TABLE, "exact")
    assert table.loc["a"].tolist() == [1.0, 0.0]
    assert table.loc["b", "p1"] == 0.0 and np.isnan(table.loc["b", "p2"])


def test_a_hit_by_keywords_holds_no_refusal():
    assert hits(TABLE, "keyword", what="not refused").loc["a"].tolist() == [1.0, 0.0]


def test_several_uses_count_by_how_they_begin():
    assert hits(TABLE, "exact", "utility").loc["a"].tolist() == [1.0, 0.0]
    with pytest.raises(StoreError, match="no answers to variant_1 prompts were judged by exact"):
        hits(TABLE, "exact", "variant_1")


def test_a_variant_is_not_taken_for_another_whose_number_begins_alike():
    many = judgements(
        ("a", "variant_1", "p1", "exact", 1, None), ("a", "variant_10", "p1", "exact", 5, None)
    )
    assert hits(many, "exact", "variant_1").loc["a"].tolist() == [0.0]
    assert hits(many, "exact", "variant_10").loc["a"].tolist() == [1.0]
