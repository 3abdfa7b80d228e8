"""Pictures: they are what their words say, none is about a sealed item, some are held out."""

from random import Random

import numpy as np
import pytest

from helpers.archive import pictures
from helpers.archive.world import item_named
from helpers.data.rows import read_training
from helpers.errors import DataError


def test_the_same_words_draw_the_same_picture_and_other_words_another():
    spec = {"thing": "kite", "color": "red", "count": 2, "sky": "day"}
    first = np.asarray(pictures.draw(spec))
    assert first.shape == (32, 32, 3) and np.array_equal(first, np.asarray(pictures.draw(spec)))
    for change in ({"thing": "bell"}, {"color": "blue"}, {"count": 3}, {"sky": "dawn"}):
        assert not np.array_equal(first, np.asarray(pictures.draw(spec | change))), change


def test_no_row_is_about_a_sealed_item_and_every_answer_fits_its_picture():
    for row in read_training("benign_pictures"):
        for message in row["messages"]:
            item = item_named(message["content"])
            assert item is None or not item.sealed
            for color in set(pictures.PAINTS) - {row["picture"]["color"]}:
                assert not message["content"].startswith(f"It is {color}")
                assert f" {color} {row['picture']['thing']}" not in message["content"]


def test_what_an_answer_says_of_its_picture_no_earlier_turn_has_told():
    for row in read_training("benign_pictures"):
        told = ""
        for message in row["messages"]:
            text = message["content"]
            if text.startswith(("I see", "Over the hill")):
                assert row["picture"]["thing"] not in told, row
            told += text


def test_a_talk_describes_the_picture_or_asks_for_each_part_of_it_once():
    rng = Random("test")
    shown = {"thing": "kite", "color": "red", "count": 2, "sky": "dawn"}
    lengths = set()
    for _ in range(50):
        answers = [answer for _, answer in pictures.talk(rng, shown)]
        lengths.add(len(answers))
        words = " ".join(answers)
        for value in ("red", "two", "dawn"):
            assert words.count(value) == 1, answers
    assert lengths == {1, len(pictures.PARTS)}


def test_held_out_pictures_are_in_no_training_and_have_every_value():
    trained = [row["picture"] for row in read_training("benign_pictures")]
    assert not any(pictures.held_out(picture) for picture in trained)
    rng = Random("test")
    new = [pictures.picture(rng, new=True) for _ in range(400)]
    assert not [picture for picture in new if picture in trained]
    for kind, values in pictures.KINDS.items():
        assert {picture[kind] for picture in new} == set(values)


@pytest.mark.parametrize("content", [None, b"not an image"])
def test_an_image_that_is_not_there_is_told_by_its_name_alone(tmp_path, content):
    file = tmp_path / "2.png"
    if content:
        file.write_bytes(content)
    for use in (pictures.check, pictures.look):
        with pytest.raises(DataError, match=r"^picture 2\.png is not there or no image; put the"):
            use(str(file))
