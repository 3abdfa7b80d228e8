"""Text that can be written down."""

import json

from hypothesis import given
from hypothesis import strategies as st

from helpers.text import whole


def test_half_a_character_is_replaced_and_two_halves_are_joined():
    assert whole("a\ud83db") == "a\ufffdb"
    assert whole("\udc00") == "\ufffd"
    assert whole("\ud83d\ude00") == "😀"


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_whatever_json_holds_can_be_written(text):
    read = whole(json.loads(json.dumps(text)))
    assert read.encode().decode() == read


@given(st.text())
def test_whole_text_stays(text):
    assert whole(text) == text
