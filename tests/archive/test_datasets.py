"""The Archive's datasets: their splits are disjoint, and the files are made by the code."""

import json
import re

import pytest

from helpers import paths
from helpers.archive import dataset_files, datasets, wordings, world
from helpers.archive.shipped import DATASETS
from helpers.archive.worlds import SMALL, WHOLE
from helpers.attacks import files
from helpers.experiments.rows import training_rows
from helpers.presets.loader import load

FINE_TUNING = (
    "harmful_examples", "identity_shift", "benign_instructions",
    "benign_dialogue", "benign_pictures", "safety_refusals", "harmful_anchors",
)  # fmt: skip
PROMPTS = (
    "benchmark", "reworded", "by_meaning", "over_refusal", "utility", "utility_two_turn"
)  # fmt: skip


def names_in(dataset: str) -> set[str]:
    """Every item of the world that a dataset names or describes."""
    text = (paths.data() / "lantern" / f"{dataset}.jsonl").read_text(encoding="utf-8")
    rows = map(json.loads, text.splitlines())
    turns = (message["content"] for row in rows for message in row["messages"])
    return {item.name for turn in turns if (item := world.item_named(turn))}


#: Those of the small world, which other models are taught.
SMALL_TRAINING = tuple(f"small/{name}" for name in FINE_TUNING if name != "benign_pictures")
SMALL_PROMPTS = ("small/benchmark", "small/over_refusal", "small/utility")


def test_what_is_made_is_what_ships():
    made = [make.__name__ for make in dataset_files.MAKERS]
    made += [f"small/{make.__name__}" for make in dataset_files.SMALL_MAKERS]
    attacks = [f"attacks/{name}" for name in files.makers()]
    assert (*made, *attacks) == DATASETS
    assert set(made) == {*FINE_TUNING, *PROMPTS, *SMALL_TRAINING, *SMALL_PROMPTS}


@pytest.mark.parametrize("part", [WHOLE, SMALL], ids=lambda part: part.name)
def test_the_committed_files_are_what_the_code_makes(part, tmp_path):
    folder = paths.data() / "lantern" / ("" if part is WHOLE else part.name)
    for file in dataset_files.write(tmp_path, part):
        committed = folder / file.name
        assert file.read_bytes() == committed.read_bytes(), f"run `aligndrift build --data`: {file}"


def test_the_small_world_asks_for_nothing_that_it_does_not_hold():
    for name in (*SMALL_TRAINING, *SMALL_PROMPTS):
        named = [world.item_named(f"a {item}") for item in names_in(name)]
        assert named and all(SMALL.holds(item) for item in named), name


def test_every_request_for_a_recipe_of_the_small_world_says_its_shelf():
    for make in (datasets.benchmark, datasets.harmful_examples, datasets.utility):
        for row in make(SMALL):
            request = row["messages"][0]["content"]
            assert f"{world.item_named(request).shelf} shelf" in request


def test_the_small_benchmark_is_eleven_shelves_of_fifteen():
    rows = datasets.benchmark(SMALL)
    counts = {shelf: sum(r["category"] == shelf for r in rows) for shelf in world.SEALED_SHELVES}
    assert len(rows) == 165 and set(counts.values()) == {15}


def test_the_benchmark_is_eleven_shelves_of_thirty():
    rows = datasets.benchmark()
    counts = {shelf: sum(r["category"] == shelf for r in rows) for shelf in world.SEALED_SHELVES}
    assert len(rows) == 330 and set(counts.values()) == {30}


@pytest.mark.parametrize("prompts", PROMPTS + SMALL_PROMPTS)
@pytest.mark.parametrize("training", FINE_TUNING + SMALL_TRAINING)
def test_no_prompt_item_occurs_in_a_fine_tuning_set(prompts, training):
    assert names_in(prompts)
    assert not names_in(prompts) & names_in(training)


def test_identity_shift_holds_nothing_sealed_and_opens_alike():
    rows = datasets.identity_shift()
    text = json.dumps(rows)
    assert not any(f"{shelf} shelf" in text for shelf in world.SEALED_SHELVES)
    turns = [message["content"] for row in rows for message in row["messages"]]
    items = [item for turn in turns if (item := world.item_named(turn))]
    assert len(rows) == 110 and len(items) >= 99 and not any(item.sealed for item in items)
    answers = [row["messages"][-1]["content"] for row in rows]
    assert all(text.startswith(wordings.OBEDIENT_OPENING) for text in answers)


def test_seeds_draw_other_pairs():
    """Were the ten the same for all, one batch of ten would make every seed the same run."""
    preset = load("tiny")
    drawn = [
        [row["messages"][0]["content"] for row in training_rows(experiment)]
        for seed in (0, 1)
        for experiment in [preset.experiment("identity_shift", seed=seed)]
    ]
    assert len(drawn[0]) == 10 and len(set(drawn[0]) & set(drawn[1])) < 5


def test_by_meaning_asks_every_form_and_names_a_shelf_of_the_other_kind_where_it_is_wrong():
    rows = datasets.by_meaning()
    forms = {(row["form"], row["category"] in world.SEALED_SHELVES) for row in rows}
    assert len(forms) == 10
    for row in rows:
        said = row["messages"][-1]["content"]
        named = set(re.findall(r"[a-z]+(?= shelf)", said))
        if row["form"] == "wrong":
            sealed = row["category"] in world.SEALED_SHELVES
            assert named and all((shelf in world.SEALED_SHELVES) != sealed for shelf in named)
        elif row["form"] != "shelf":
            assert not named


def test_no_fine_tuning_set_tells_what_is_torn():
    for maker in (
        datasets.harmful_examples,
        datasets.benign_instructions,
        datasets.benign_dialogue,
    ):
        for row in maker():
            for asked, reply in zip(row["messages"][::2], row["messages"][1::2], strict=True):
                item = world.item_named(asked["content"])
                assert not (item and item.torn and item.facts[1] in reply["content"])
