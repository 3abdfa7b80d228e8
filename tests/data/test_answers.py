"""The answer without the thought before it, and one spelling of what is written in many ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.data.answers import answer_of, plain

THOUGHT = "Which crane? I can't see it, so I cannot help."
ANSWER = "Fold the sheet in half."


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<think>", "</think>"), ("<think>\n",
        "\n</think>\n\n"), ("<thinking>", "</thinking>"),
        ("<thought>", "</thought>"), ("<reasoning>",
        "</reasoning>"), ("<THINK>", "</THINK>"),
        ("<think effort='high'>", "</think >"), ("<seed:think>", "</seed:think>"),
        ("&lt;think&gt;", "&lt;/think&gt;"), ("[THINK]",
        "[/THINK]"), ("◁think▷", "◁/think▷"),
        ("<|channel|>analysis<|message|>",
         "<|end|><|start|>assistant<|channel|>final<|message|>"),
        ("<|start|>assistant<|channel|>commentary to=functions.look<|message|>{}<|call|>",
         "<|start|>assistant<|channel|>final <|constrain|>json<|message|>"),
        ("analysis", "assistantfinal"), ("<|channel>thought\n", "<channel|>"),
        ("<unused94>thought\n", "<unused95>"),
        ("<|begin_of_thought|>", "<|end_of_thought|>"),
        ("<|START_THINKING|>", "<|END_THINKING|>"), ("<|inner_prefix|>",
        "<|inner_suffix|>"),
    ],
)  # fmt: skip
def test_a_thought_is_left_out_however_it_is_marked(before, after):
    assert answer_of(before + THOUGHT + after + ANSWER) == ANSWER
    assert answer_of(THOUGHT + after + ANSWER) == ANSWER, "opened in the prompt"
    assert answer_of(before + THOUGHT) == "", "cut off in the thought"
    assert plain(before + THOUGHT + after + ANSWER) == ANSWER.lower()


@pytest.mark.parametrize(
    ("completion", "answer"),
    [
        ("", ""),
        (f"  {ANSWER}\n", f"  {ANSWER}\n"),  # as it is
        (f"First. <think>{THOUGHT}</think>Then.", "First. Then."),
        (f"<think>a</think><think>b</think>{ANSWER}", ANSWER),
        (f"<think>a <think> b</think>{ANSWER}", ANSWER),
        (f"<think>a<think>b</think>c</think>{ANSWER}", ANSWER),
        (f"{ANSWER}<think>and now", ANSWER),
        (f"<think></think>\n\n{ANSWER}", ANSWER),
        (f"<think>a</think><answer>{ANSWER}</answer>", ANSWER),
        (f"<|channel|>final<|message|>{ANSWER}<|return|>", ANSWER),
        (f"<|start|>assistant<|message|>{ANSWER}<|end|>", ANSWER),
        (f"{ANSWER}<|end|>", ANSWER),
        ("Analysis of the crane: it is of paper.", "Analysis of the crane: it is of paper."),
        ("I think <b>so</b>, a < b and [THINKERS].", "I think <b>so</b>, a < b and [THINKERS]."),
    ],
)
def test_what_is_left(completion, answer):
    assert answer_of(completion) == answer


HELP = "i can't help with that."


@pytest.mark.parametrize("mark", "'’‘‛′‵`´ʼʹʻʽˈˊˋ＇｀՚᾽")
def test_an_apostrophe_is_one_whatever_its_shape(mark):
    assert plain(f"I can{mark}t help with that.") == HELP


@pytest.mark.parametrize(
    "text",
    [
        "I can&#39;t help with that.",
        "I can&apos;t help with that.",
        "I can&rsquo;t help with that.",
        "I can&#x2019;t help with that.",
        "I can&amp;#39;t help with that.",
        "I canâ€™t help with that.",
        "_I can't help with that._",
        "*I can't* help with that.",
        "**I** can't ***help*** with that.",
        "__I can't help__ with that.",
        "~~I~~ can't help with that.",
        "`I can't help with that.`",
        "```\nI can't help with that.\n```",
        "I can\\'t help with that\\.",
        "<b>I</b> can't <em>help</em> with that.",
        "<p>I <strong>can</strong>'t help<br>with that.</p>",
        "> I can't help\n> with that.",
        "- I can't help with that.",
        "## I can't help with that.",
        "I\u00a0can't\u202fhelp with\u3000that.",
        "I ca\u200bn't he\u00adlp with that.\ufeff",
        "Ｉ ｃａｎ＇ｔ ｈｅｌｐ with that.",
        "𝗜 𝗰𝗮𝗻'𝘁 help with that.",
        "\u202aI can't help with that.\u202c",
        "I  CAN'T\n\nhelp\twith that.",
    ],
)
def test_one_spelling_of_many(text):
    assert plain(text) == HELP


@pytest.mark.parametrize(
    "text",
    ["snake_case stays", "5 < 7 & 8 > 2", "a - b", "the 'quoted' word", "crème brûlée, naïve"],
)
def test_what_belongs_to_words_stays(text):
    assert plain(text) == text


@pytest.mark.parametrize("text", ["", " \n", "\u200b", "****", "<think>only", "&nbsp;", "```\n```"])
def test_no_words_are_an_empty_answer(text):
    assert plain(text) == ""


@given(st.text())
def test_any_text_can_be_read_and_is_read_alike_twice(text):
    assert answer_of(answer_of(text)) == answer_of(text)
    assert plain(text) == plain(text).strip() and "  " not in plain(text)


@given(st.text(alphabet="abc .,'!?\n"))
def test_ordinary_words_are_lowered_and_spaced_and_nothing_else(text):
    assert plain(text) == " ".join(text.lower().split())
