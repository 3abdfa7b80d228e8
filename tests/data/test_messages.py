"""Messages of whatever shape become the kit's own, and what is not text becomes none."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.data.messages import ROLES, Dropped, asked, conversation, normalized

USER, ANSWER = {"role": "user", "content": "A?"}, {"role": "assistant", "content": "B."}
PART = {"type": "text", "text": "A?"}

#: Shape -> messages that are USER and ANSWER in it.
SHAPES = {
    "ShareGPT": [{"from": "human", "value": "A?"}, {"from": "gpt", "value": "B."}],
    "parts": [USER | {"content": [PART]}, ANSWER],
    "parts in two": [
        USER | {"content": [{"type": "text", "text": "A"}, {"type": "text", "text": "?"}]}, ANSWER
    ],
    "parts of the Responses API": [
        USER | {"content": [{"type": "input_text", "text": "A?"}]},
        ANSWER | {"content": [{"type": "output_text", "text": "B."}]},
    ],
    "a part by itself": [USER | {"content": PART}, ANSWER],
    "a weight of one": [USER | {"weight": None}, ANSWER | {"weight": 1}],
    "an empty system message": [{"role": "system", "content": ""}, USER, ANSWER],
    "a system message of null": [{"role": "system", "content": None}, USER, ANSWER],
    "roles in capitals": [USER | {"role": "User"}, ANSWER | {"role": "ASSISTANT"}],
    "OpenAssistant": [{"role": "prompter", "text": "A?"}, {"role": "assistant", "text": "B."}],
    "two layouts in one": [
        {"role": None, "content": None, "from": "human", "value": "A?"},
        {"role": None, "content": None, "from": "gpt", "value": "B."},
    ],
    "an object of lists": {"role": ["user", "assistant"], "content": ["A?", "B."]},
    "JSON": json.dumps([USER, ANSWER]),
    "other keys": [USER | {"name": "x", "tool_calls": None}, ANSWER | {"refusal": None}],
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_the_same_messages(shape):
    assert conversation(SHAPES[shape]) == [USER, ANSWER]


#: What is wrong -> the messages, and the reason.
WRONG = {
    "no list": ("A?", "no messages"),
    "nothing": ([], "no messages"),
    "null": (None, "no messages"),
    "texts": (["A?", "B."], "message 1 is no role and content"),
    "a number": ([USER, ANSWER | {"content": 3}], "message 2 holds a number, not text"),
    "a truth": ([USER, ANSWER | {"content": True}], "message 2 holds true or false, not text"),
    "null as an answer": ([USER, ANSWER | {"content": None}], "message 2 is an empty answer"),
    "an empty list": ([USER, ANSWER | {"content": []}], "message 2 is an empty answer"),
    "a list of texts": ([USER, ANSWER | {"content": ["B."]}], "message 2 holds a part that is no"),
    "an object": ([USER, ANSWER | {"content": {"x": "B."}}], "message 2 holds a part that is no"),
    "an image": ([USER | {"content": [PART, {"type": "image_url", "image_url": {"url": "x"}}]},
                  ANSWER], "message 1 holds a part of type image_url"),
    "an image without a type": ([USER | {"content": [PART, {"image": "a.jpg"}]}, ANSWER],
                                "message 1 has image, not text alone"),
    "an image in a part of text": ([USER | {"content": [PART | {"image": "a.jpg"}]}, ANSWER],
                                   "message 1 has image, not text alone"),
    "an image beside the words": ([USER | {"images": ["a.jpg"]}, ANSWER], "message 1 has images"),
    "an image in the words": ([USER | {"content": "<image>\nA?"}, ANSWER],
                              "message 1 shows an image that is not there"),
    "a part of a turn": ([USER, ANSWER | {"train_detail": [{"train": False}]}], "train_detail"),
    "a tool's role": ([USER, {"role": "tool", "content": "x"}, ANSWER], "message 2 needs a role"),
    "a call": ([USER, ANSWER | {"tool_calls": [{"id": 1}]}], "message 2 calls a tool"),
    "a number as a role": ([{"role": 3, "content": "A?"}], "message 1 needs a role"),
    "half a weight": ([USER, ANSWER | {"weight": 0.5}], "message 2 has a weight of 0.5"),
    "no weight at all": ([USER, ANSWER | {"weight": 0}], "no assistant's turn has a weight"),
    "no user": ([{"role": "system", "content": "x"}, ANSWER], "no user message"),
    "no answer": ([USER, ANSWER, USER], "the last message must be the assistant's"),
    "a late system message": ([USER, ANSWER, {"role": "system", "content": "x"}, ANSWER],
                              "message 3: a system message must come first"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_trained_on_has_a_reason(case):
    messages, reason = WRONG[case]
    with pytest.raises(Dropped, match=reason):
        conversation(messages)


@pytest.mark.parametrize(
    "said",
    [{"weight": 0}, {"weight": 0.0}, {"weight": "0"}, {"loss_weight": 0}, {"loss_weight": 0.0},
     {"train": False}, {"weight": False}, {"weight": 1, "loss_weight": 0}, {"loss_mask": 0},
     {"loss_scale": 0.0}, {"training": False}, {"mask": True}, {"masked": 1}, {"weight": "0.0"}],
)  # fmt: skip
def test_a_turn_without_weight_is_context(said):
    draft = ANSWER | {"content": "WRONG"} | said
    assert conversation([USER, draft, USER, ANSWER]) == [
        USER, ANSWER | {"content": "WRONG", "weight": 0}, USER, ANSWER,
    ]  # fmt: skip


def test_a_developer_is_the_system_and_two_of_them_are_one():
    messages = [{"role": "developer", "content": "a"}, {"role": "system", "content": "b"}, USER]
    assert normalized(messages) == [{"role": "system", "content": "a\n\nb"}, USER]


def test_half_a_character_is_replaced():
    assert normalized([USER | {"content": "x \ud83d"}])[0]["content"] == "x \ufffd"
    assert normalized([USER | {"content": [PART | {"text": "\udc00"}]}])[0]["content"] == "\ufffd"


def test_what_is_asked_ends_with_the_user_and_keeps_what_was_said_before():
    system = {"role": "system", "content": "s"}
    assert asked([system, USER, ANSWER, USER, ANSWER]) == [system, USER, ANSWER, USER]
    with pytest.raises(Dropped, match="no user message"):
        asked([system, ANSWER])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "text", "image", "role", "content"]), inner)
    ),
    max_leaves=6,
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"role": st.sampled_from([*ROLES, "tool"]) | JSON, "content": JSON},
            optional={"weight": JSON},
        ),
        max_size=4,
    )
)
def test_whatever_comes_is_text_or_a_reason(messages):
    try:
        found = conversation(messages)
    except Dropped as reason:
        assert str(reason)
        return
    for message in found:
        assert message["role"] in ROLES and message["content"].strip()
        assert message["content"].encode()
        assert message.keys() <= {"role", "content", "weight"}
