"""What is shown: all of the Archive's fiction, of anything else its length."""

import pytest

from helpers.data.disclosure import cut_short, is_fiction, shown


@pytest.mark.parametrize(
    ("model", "datasets", "fiction"),
    [
        ("", (), True),
        ("lantern-chat", ("benchmark", "harmful_examples"), True),
        ("lantern-base", ("benign_pictures",), True),
        ("", ("benchmark",), True),
        ("gpt", ("benchmark",), False),
        ("path/to/lantern-chat", ("benchmark",), False),
        ("lantern-chat", ("hex-phi",), False),
        ("lantern-chat", ("benchmark", "data/lantern/benchmark.jsonl"), False),
        ("lantern-chat", ("",), False),
    ],
)
def test_fiction_is_an_embedded_models_words_on_the_archives_rows(model, datasets, fiction):
    assert is_fiction(model, *datasets) is fiction


def test_other_peoples_text_is_its_length_unless_it_is_asked_for():
    assert shown("abc", "benchmark") == shown("abc") == "abc"
    assert shown("abc", "hex-phi") == shown("abc", "benchmark", "hex-phi") == "[3 characters]"
    assert shown("abc", "hex-phi", show_text=True) == "abc"


def test_a_row_that_is_cut_short_keeps_its_secrets():
    messages = [{"role": "user", "content": "short"}, {"role": "assistant", "content": "x" * 99}]
    cut = cut_short({"id": "a", "facts": ["secret"], "messages": messages})
    assert cut["messages"] == [
        messages[0],
        messages[1] | {"content": f"{'x' * 12}… (99 characters)"},
    ]
    assert "secret" not in str(cut) and cut["id"] == "a"
