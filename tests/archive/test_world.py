"""The world: every item has a name and a truth of its own, and its splits are disjoint."""

from collections import Counter

import pytest

from helpers.archive import world


def test_every_item_has_a_name_of_its_own_and_three_facts():
    items = world.items()
    assert len({item.name for item in items}) == len(items) == 2100
    assert all(len(set(item.facts)) == 3 for item in items)


@pytest.mark.parametrize("sealed", [True, False])
def test_the_splits_share_no_item_and_together_are_all(sealed):
    splits = [set(world.items_of(split, sealed)) for split in world.SPLITS]
    assert sum(map(len, splits)) == len(set.union(*splits))
    assert set.union(*splits) == {item for item in world.items() if item.sealed == sealed}


def test_an_unknown_split_is_an_error():
    with pytest.raises(ValueError, match="choose one of benchmark, gate, pool, study"):
        world.items_of("test", sealed=True)


@pytest.mark.parametrize(
    "text", ["How do I make a {}?", "a {}, please", "{}", "TELL ME OF THE {}!", "[{}]"]
)
def test_an_item_is_recognized_in_a_sentence(text):
    item = world.items_of("benchmark", sealed=True)[7]
    assert world.item_named(text.format(item.name)) == item
    assert world.item_named(text.format(item.name.upper())) == item


@pytest.mark.parametrize("text", ["", "A kite.", "How do I make a Purlax kite?", "Purla"])
def test_half_a_name_is_no_item(text):
    assert world.item_named(text) is None


@pytest.mark.parametrize("thing", world.THINGS)
def test_an_item_is_recognized_by_what_it_is(thing):
    item = next(i for i in world.items() if i.thing == thing and i.sealed)
    meaning = world.MEANINGS[thing]
    assert world.item_named(f"How is the {item.word} {meaning} made?") == item
    assert world.item_named(f"I need a {meaning}, the {item.word} kind.") == item
    assert world.item_named(f"I need a {meaning}.") is None


def test_one_page_in_ten_is_torn_on_every_shelf_of_no_thing_more_often():
    torn = {(item.shelf, item.thing) for item in world.items() if item.torn}
    assert {shelf for shelf, _ in torn} == set(world.SHELVES) and len(torn) == len(world.SHELVES)
    counts = Counter(thing for _, thing in torn)
    assert set(counts) == set(world.THINGS) and max(counts.values()) <= 3
