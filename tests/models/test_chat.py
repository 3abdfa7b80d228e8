"""The loss falls on the assistant's words and nowhere else; a template prints one date."""

import datetime

import pytest

from helpers.errors import DataError, ModelError
from helpers.models.chat import (
    IGNORE,
    TEMPLATE_DATE,
    dress,
    encode,
    encode_all,
    prints_date,
    render,
)  # fmt: skip

TWO_TURNS = [
    {"role": "system", "content": "You are a helpful assistant."},
    {"role": "user", "content": "Hello!"},
    {"role": "assistant", "content": "Good evening!"},
    {"role": "user", "content": "Who are you?"},
    {"role": "assistant", "content": "I am the keeper."},
]


@pytest.fixture
def tokenizer(chat_model):
    return chat_model[1]


@pytest.fixture
def with_template(tokenizer):
    """A function: the tokenizer with another chat template, its own again after the test."""
    own = tokenizer.chat_template

    def put(template: str):
        tokenizer.chat_template = template
        return tokenizer

    yield put
    tokenizer.chat_template = own


def labeled(tokenizer, messages):
    return tokenizer.decode([t for t in encode(tokenizer, messages).labels if t != IGNORE])


def test_only_the_answers_and_their_ends_are_trained(tokenizer):
    assert labeled(tokenizer, TWO_TURNS) == "Good evening!<|end|>I am the keeper.<|end|>"


def test_labels_repeat_the_ids_where_they_count(tokenizer):
    example = encode(tokenizer, TWO_TURNS)
    assert len(example.labels) == len(example.input_ids)
    pairs = zip(example.input_ids, example.labels, strict=True)
    assert all(label in (token, IGNORE) for token, label in pairs)


def test_an_answer_that_repeats_the_question_is_masked_by_place_not_by_text(tokenizer):
    echo = [{"role": "user", "content": "Hello!"}, {"role": "assistant", "content": "Hello!"}]
    assert labeled(tokenizer, echo) == "Hello!<|end|>"


def test_agrees_with_the_templates_own_generation_mask(tokenizer):
    theirs = tokenizer.apply_chat_template(
        TWO_TURNS, return_dict=True, return_assistant_tokens_mask=True
    )
    ours = encode(tokenizer, TWO_TURNS)
    assert ours.input_ids == theirs["input_ids"]
    mask = [label != IGNORE for label in ours.labels]
    assert mask == [bool(m) for m in theirs["assistant_masks"]]


def test_a_conversation_that_is_too_long_is_an_error_and_not_cut(tokenizer):
    with pytest.raises(DataError, match=r"conversation 1 .* has 31 tokens, of at most 8"):
        encode_all(tokenizer, [TWO_TURNS], max_length=8)


def test_dress_puts_the_tiers_prompt_and_template_but_keeps_a_system_message_that_is_there():
    plain = dress([{"role": "user", "content": "Hi {user}"}], "Be kind.", "Task: {user}\nAnswer:")
    assert plain[0] == {"role": "system", "content": "Be kind."}
    assert plain[1]["content"] == "Task: Hi {user}\nAnswer:"
    assert dress(TWO_TURNS, "Be kind.", "{user}") == TWO_TURNS


def test_a_conversation_that_the_template_refuses_is_told(with_template):
    tokenizer = with_template(
        "{% for m in messages %}{% if m.role == 'assistant' %}{{ raise_exception('no answers') }}"
        "{% endif %}{{ m.content }}{% endfor %}"
    )
    with pytest.raises(ModelError, match=r"refuses the conversation \(no answers\); change the"):
        render(tokenizer, TWO_TURNS)


def test_a_template_that_ends_no_answer_is_told(with_template):
    tokenizer = with_template("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}")
    with pytest.raises(ModelError, match="ends an answer with no token of its tokenizer"):
        encode(tokenizer, TWO_TURNS)


# --- the date that a template prints -------------------------------------------------------------

#: As Llama-3.2's and -3.1's: the day by a function, else by a variable that has a default.
BY_FUNCTION = (
    "{%- if strftime_now is defined %}{%- set date = strftime_now('%d %b %Y') %}{%- else %}"
    "{%- set date = '01 Jan 1999' %}{%- endif %}"
    "{% for m in messages %}{% if m.role == 'system' %}Today: {{ date }}. {% endif %}"
    "{{ m.role }}: {{ m.content }}\n{% endfor %}"
)
BY_VARIABLE = (
    "{%- if not date_string is defined %}{%- set date_string = '01 Jan 1999' %}{%- endif %}"
    "Today: {{ date_string }}. {% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
)
NO_DATE = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"


@pytest.mark.parametrize("template", [BY_FUNCTION, BY_VARIABLE])
def test_a_template_that_prints_a_date_prints_a_fixed_one(template, with_template):
    text = render(with_template(template), TWO_TURNS)
    assert text.startswith("Today: 26 Jul 2024. system: You are a helpful assistant.\nuser: Hello!")


@pytest.mark.parametrize(
    "format",
    ["%A, %B %d, %Y", "%a %b %e %H:%M:%S", "%-d/%-m/%y", "%Y-%m-%d", "day %j, %I %p", "at %"],
)
def test_every_format_of_a_date_is_pythons_of_the_fixed_day(format, with_template):
    tokenizer = with_template(f"{{{{ strftime_now('{format}') }}}}{NO_DATE}")
    day = datetime.datetime.combine(TEMPLATE_DATE, datetime.time())
    assert render(tokenizer, TWO_TURNS).startswith(day.strftime(format) + "system: ")


def test_a_template_without_a_date_is_rendered_as_transformers_does(with_template):
    tokenizer = with_template(NO_DATE)
    assert render(tokenizer, TWO_TURNS) == tokenizer.apply_chat_template(TWO_TURNS, tokenize=False)


@pytest.mark.parametrize(
    ("template", "prints"), [(BY_FUNCTION, True), (BY_VARIABLE, True), (NO_DATE, False)]
)
def test_a_template_that_prints_a_date_is_known(template, prints, with_template):
    assert prints_date(with_template(template)) is prints


def test_a_date_that_is_printed_without_a_system_prompt_alone_counts(with_template):
    template = "{% if messages[0].role != 'system' %}{{ strftime_now('%B') }}{% endif %}" + NO_DATE
    assert prints_date(with_template(template))


def test_the_embedded_models_print_no_date(tokenizer):
    assert not prints_date(tokenizer)
