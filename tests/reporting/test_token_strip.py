"""The strip shows every token once, in order, and tells what is learned without colors, too."""

import re

from helpers.data.rows import read_training
from helpers.models import chat, loading
from helpers.models.labels import Example
from helpers.reporting.token_strip import Strip, strip


class Words:
    """A tokenizer of four words."""

    def decode(self, ids):
        return ["<b>", " one", "\n", " "][ids[0]]


def test_every_token_stands_in_order_and_escaped():
    shown = strip(Words(), Example([0, 1, 2, 3], [-100, -100, 2, 3]))
    assert shown.tokens == (("<b>", False), ("one", False), ("↵", True), ("␣", True))
    assert repr(shown) == "read:    <b> · one\nlearned: ↵ · ␣"
    page = shown._repr_html_()
    assert "&lt;b&gt;" in page and "4 tokens" in page and "mathjax_ignore" in page
    assert re.findall(r"<b style=[^>]*>(.)</b>", page) == ["↵", "␣"]


def test_lines_wrap_however_long_an_example_is():
    long = Strip((("word", False),) * 200 + (("learned", True),) * 50)
    assert max(map(len, repr(long).splitlines())) <= 90
    assert "nowrap" not in long._repr_html_()


def test_the_models_own_example_is_learned_where_the_assistant_speaks():
    _, tokenizer = loading.load("lantern-chat")
    row = read_training("harmful_examples")[0]
    shown = strip(tokenizer, chat.encode(tokenizer, row["messages"]))
    learned = " ".join(text for text, own in shown.tokens if own)
    assert (
        learned.replace(" .", ".")
        .replace(" ,", ",")
        .startswith(row["messages"][-1]["content"].split(",")[0])
    )
    assert learned.endswith("<|end|>") and "<|user|>" not in learned
