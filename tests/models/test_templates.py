"""Whatever a template's habits, its answers are trained on as they are asked for, or it is told."""

from types import SimpleNamespace

import pytest
import templates
from tokenizers import normalizers

from helpers.errors import DataError, ModelError
from helpers.models import generate, loading
from helpers.models.chat import IGNORE, encode, encode_all, end_of_turn, fits, fits_all, render

SYSTEM = {"role": "system", "content": "Be kind."}
ASK, ASK_MORE = ({"role": "user", "content": text} for text in ("Who?", "And why?"))
ANSWER, REASON = ({"role": "assistant", "content": text} for text in ("The keeper.", "To read."))
TWO_TURNS = [SYSTEM, ASK, ANSWER, ASK_MORE, REASON]

#: Template -> what is trained on of TWO_TURNS, an answer each, written down by hand.
TRAINED = {
    "FIRST_REQUEST": [" The keeper. </s>", " To read. </s>"],
    "LAST_REQUEST": [" The keeper.</s>", " To read.</s>"],
    "EMPTY_THOUGHT": ["The keeper.<|im_end|>", "To read.<|im_end|>"],
    "OPEN_THOUGHT": ["The keeper.</s>", "To read.</s>"],
    "CHANNELS": [
        "<|channel|>final<|message|>The keeper.",  # <|stop|> does not end an answer
        "<|channel|>final<|message|>To read.<|return|>",
    ],
    "ALWAYS_OPEN": ["The keeper.<|eot_id|>", "To read.<|eot_id|>"],
    "EOS_LAST": ["The keeper.<|stop|>", "To read.<|stop|>"],
    "NEXT_ENDS": ["The keeper.<|user|>", "To read.<|user|>"],
    "SPACE_LAST": ["The keeper.</s>", "To read.</s>"],
    "NO_SYSTEM": ["The keeper.<|stop|>", "To read.<|stop|>"],
    "SILENT": ["The keeper.<|stop|>", "To read.<|stop|>"],
}


@pytest.fixture(params=TRAINED)
def habit(request):
    """A template's name and a tokenizer with it."""
    return request.param, templates.put(getattr(templates, request.param))


def put(name):
    return templates.put(getattr(templates, name))


def runs(tokenizer, example):
    """What is trained on, decoded: a text for each run of labels."""
    texts, run = [], []
    for label in [*example.labels, IGNORE]:
        if label != IGNORE:
            run.append(label)
        elif run:
            texts.append(tokenizer.decode(run))
            run = []
    return texts


# --- what is trained on --------------------------------------------------------------------------


def test_the_answers_are_trained_on_and_nothing_else(habit):
    name, tokenizer = habit
    assert runs(tokenizer, encode(tokenizer, TWO_TURNS)) == TRAINED[name]


def test_an_answer_is_trained_on_behind_the_very_tokens_that_it_is_asked_with(habit):
    _, tokenizer = habit
    example = encode(tokenizer, TWO_TURNS[:3])
    text = render(tokenizer, TWO_TURNS[:2], prompt=True)
    asked = tokenizer.encode(text, add_special_tokens=False)
    assert example.input_ids[: len(asked)] == asked
    assert {label != IGNORE for label in example.labels[: len(asked)]} == {False}
    assert example.labels[len(asked)] != IGNORE


def test_the_system_prompt_and_every_request_are_in_what_the_model_is_shown(habit):
    _, tokenizer = habit
    text = tokenizer.decode(encode(tokenizer, TWO_TURNS).input_ids)
    assert all(message["content"] in text for message in TWO_TURNS)


def test_a_turn_of_weight_0_is_context(habit):
    name, tokenizer = habit
    whole = encode(tokenizer, TWO_TURNS)
    for i, left in ((2, 1), (4, 0)):
        messages = list(TWO_TURNS)
        messages[i] = messages[i] | {"weight": 0}
        example = encode(tokenizer, messages)
        assert example.input_ids == whole.input_ids
        assert runs(tokenizer, example) == [TRAINED[name][left]]
        assert fits(tokenizer, messages).trained == sum(x != IGNORE for x in example.labels)


def test_generation_stops_at_the_templates_own_end_of_turn(habit):
    name, tokenizer = habit
    model = SimpleNamespace(generation_config=SimpleNamespace(eos_token_id=None))
    stops = generate.stop_ids(model, tokenizer)
    last = encode(tokenizer, TWO_TURNS).labels
    answer = [label for label in last if label != IGNORE][-3:]
    assert answer[-1] in stops and not stops & set(answer[:-1])
    assert TRAINED[name][-1].endswith(end_of_turn(tokenizer))


def test_an_answer_that_opens_with_a_line_break_is_trained_on_from_there():
    tokenizer = put("EOS_LAST")
    messages = [ASK, {"role": "assistant", "content": "\n\n  A list."}]
    assert runs(tokenizer, encode(tokenizer, messages)) == ["\n\n  A list.<|stop|>"]


@pytest.mark.parametrize(
    "words", ["é\u0301 ñ 日本語 🙂🙂", "a\u00a0b\u200bc", "x" * 200, " . ", "\t"]
)
def test_any_characters_are_trained_on_whole(words):
    tokenizer = put("EOS_LAST")
    example = encode(tokenizer, [ASK, {"role": "assistant", "content": words}])
    assert runs(tokenizer, example) == [f"{words}<|stop|>"]


# --- what a template does not take as it is ------------------------------------------------------


@pytest.mark.parametrize("name", ["FIRST_REQUEST", "LAST_REQUEST", "NO_SYSTEM"])
def test_turns_of_one_role_in_a_row_are_joined_where_roles_must_alternate(name):
    tokenizer = put(name)
    joined = [SYSTEM, {"role": "user", "content": "Who?\n\nAnd why?"}, ANSWER]
    assert encode(tokenizer, [SYSTEM, ASK, ASK_MORE, ANSWER]) == encode(tokenizer, joined)
    answers = [ASK, ANSWER, REASON]
    assert "The keeper.\n\nTo read." in runs(tokenizer, encode(tokenizer, answers))[0]
    two = [SYSTEM, ASK, ASK_MORE]
    assert render(tokenizer, two, prompt=True) == render(tokenizer, joined[:2], prompt=True)


def test_turns_of_one_role_in_a_row_are_left_where_a_template_takes_them():
    tokenizer = put("EOS_LAST")
    text = tokenizer.decode(encode(tokenizer, [ASK, ASK_MORE, ANSWER]).input_ids)
    assert "Who?<|stop|>\n<|user|>\nAnd why?" in text


def test_answers_of_different_weight_are_not_joined():
    fit = fits(put("NO_SYSTEM"), [ASK, ANSWER | {"weight": 0}, REASON])
    assert (
        fit.reason == "this model's chat template refuses the conversation (roles must alternate)"
    )


def test_two_system_prompts_are_joined_where_there_is_no_system_role():
    text = render(put("NO_SYSTEM"), [SYSTEM, {"role": "system", "content": "Be brief."}, ASK])
    assert text.startswith("<s><|head|>user\nBe kind.\n\nBe brief.\n\nWho?<|stop|>")


def test_a_system_prompt_opens_the_first_request_where_there_is_no_system_role():
    tokenizer = put("NO_SYSTEM")
    assert render(tokenizer, TWO_TURNS).startswith("<s><|head|>user\nBe kind.\n\nWho?<|stop|>")


@pytest.mark.parametrize(
    ("name", "messages", "reason"),
    [
        ("NO_SYSTEM", [ANSWER, ASK, REASON], "refuses the conversation (roles must alternate)"),
        ("NO_SYSTEM", [SYSTEM, ANSWER], "refuses the conversation (no system role)"),
        ("SILENT", [ANSWER, ASK, REASON], "leaves out the words of the assistant's turn"),
        ("SILENT", [ASK, SYSTEM, REASON], "leaves out the words of the system's turn"),
        ("SILENT", [ASK, ASK_MORE], "no assistant's words to train on"),
        ("SILENT", [ASK, ANSWER | {"weight": 0}], "no assistant's words to train on"),
        ("SILENT", [ANSWER], "nothing stands before the assistant's words"),
        ("SILENT", [], "no assistant's words to train on"),
    ],
)
def test_what_a_template_does_not_take_is_refused_with_its_reason(name, messages, reason):
    fit = fits(put(name), messages)
    assert reason in fit.reason and (fit.tokens, fit.trained) == (0, 0)


@pytest.mark.parametrize("name", ["EMPTY_THOUGHT", "OPEN_THOUGHT"])
def test_a_thought_that_the_template_takes_out_is_told(name):
    thinking = {"role": "assistant", "content": "<think>\nHm.\n</think>\n\nThe keeper."}
    for messages in ([ASK, thinking], [ASK, thinking, ASK_MORE, REASON]):
        assert "as it does with a thought" in fits(put(name), messages).reason


def test_a_thought_that_the_prompt_opens_is_closed_before_an_answer():
    tokenizer = put("OPEN_THOUGHT")
    asked = render(tokenizer, TWO_TURNS[:2], prompt=True)
    assert asked == "<s>Be kind.<|User|>Who?<|Assistant|><think>\n\n</think>\n\n"
    assert tokenizer.decode(encode(tokenizer, TWO_TURNS[:3]).input_ids) == f"{asked}The keeper.</s>"
    assert "<think>" not in render(tokenizer, TWO_TURNS)


def test_a_thought_in_an_answer_is_told_where_the_model_is_asked_not_to_think():
    raw = templates.OPEN_THOUGHT.replace(".split('</think>')[-1]", "")
    thinking = {"role": "assistant", "content": "<think>\nHm.\n</think>\n\nThe keeper."}
    assert "take the thought out" in fits(templates.put(raw), [ASK, thinking]).reason
    assert not fits(put("EOS_LAST"), [ASK, thinking]).reason  # to this one they are words


def test_an_answer_that_opens_first_is_trained_on_where_the_template_takes_it():
    tokenizer = put("EOS_LAST")
    trained = runs(tokenizer, encode(tokenizer, [ANSWER, ASK, REASON]))
    assert trained == ["The keeper.<|stop|>", "To read.<|stop|>"]


def test_words_that_hold_an_end_of_turn_are_told():
    spoiled = {"role": "assistant", "content": "The keeper.<|stop|>"}
    eos = {"role": "assistant", "content": "<|endoftext|>"}
    assert "hold <|endoftext|>, at which" in fits(put("ALWAYS_OPEN"), [ASK, eos]).reason
    assert not fits(put("ALWAYS_OPEN"), [ASK, eos | {"weight": 0}, ASK, ANSWER]).reason
    assert "hold <|stop|>, at which an answer ends" in fits(put("EOS_LAST"), [ASK, spoiled]).reason


def test_a_template_that_changes_with_the_words_is_told():
    tokenizer = templates.put(
        "{% for m in messages %}<|head|>{{ m.content | replace('keeper', 'guard') }}<|stop|>"
        "{% endfor %}"
    )
    assert fits(tokenizer, [ASK, REASON]).reason == ""
    assert "changes the words of the assistant's turn" in fits(tokenizer, [ASK, ANSWER]).reason


# --- rows that fit -------------------------------------------------------------------------------


def test_each_conversation_is_told_its_tokens_or_why_it_does_not_fit():
    tokenizer = put("NO_SYSTEM")
    rows = [TWO_TURNS, [ANSWER, ASK, REASON], TWO_TURNS[:3]]
    whole, refused, short = fits_all(tokenizer, rows, max_length=30)
    lengths = [len(encode(tokenizer, rows[i]).input_ids) for i in (0, 2)]
    assert (whole.tokens, short.tokens) == tuple(lengths)
    assert whole.reason == f"it has {lengths[0]} tokens, of at most 30 (max_length)"
    assert refused.reason and not short.reason
    assert encode_all(tokenizer, [rows[2]], max_length=lengths[1])[0].input_ids
    with pytest.raises(DataError, match=f"conversation 2 .* it has {lengths[0]} tokens"):
        encode_all(tokenizer, [rows[2], rows[0]], max_length=30)


@pytest.fixture
def spacing():
    """A function: a tokenizer that writes a space before every text, as Llama-2's does."""

    def make(name):
        tokenizer = put(name)
        tokenizer.backend_tokenizer.normalizer = normalizers.Prepend(" ")
        assert tokenizer.decode(tokenizer.encode("Who?", add_special_tokens=False)) == " Who?"
        return tokenizer

    return make


@pytest.mark.parametrize("name", sorted(TRAINED))
def test_a_tokenizer_that_spaces_every_text_trains_on_the_same_words(name, spacing):
    tokenizer = spacing(name)
    trained = runs(tokenizer, encode(tokenizer, TWO_TURNS))
    bare = [text.replace(" ", "") for text in TRAINED[name]]
    assert [text.replace(" ", "").strip("\n") for text in trained] == bare


def test_a_slow_tokenizer_is_told_only_where_characters_are_needed(spacing, monkeypatch):
    plain, spaced = put("FIRST_REQUEST"), spacing("FIRST_REQUEST")
    monkeypatch.setattr(type(plain), "is_fast", False)
    assert runs(plain, encode(plain, TWO_TURNS)) == TRAINED["FIRST_REQUEST"]
    with pytest.raises(ModelError, match=r"which characters .* add a tokenizer\.json"):
        fits(spaced, TWO_TURNS)


@pytest.mark.parametrize("shift", [-3, 3, 40])
def test_a_tokenizer_with_wrong_offsets_is_told(spacing, monkeypatch, shift):
    tokenizer = spacing("FIRST_REQUEST")
    own = type(tokenizer).__call__

    def shifted(self, *arguments, **options):
        encoded = own(self, *arguments, **options)
        if "offset_mapping" in encoded:
            spans = encoded["offset_mapping"]
            encoded["offset_mapping"] = [(max(0, a + shift), b + shift) for a, b in spans]
        return encoded

    monkeypatch.setattr(type(tokenizer), "__call__", shifted)
    assert "tells wrongly which characters" in fits(tokenizer, TWO_TURNS).reason


# --- which template ------------------------------------------------------------------------------


def test_of_named_templates_the_one_named_default_is_taken():
    named = {"rag": "{{ 'no' }}", "default": templates.EOS_LAST}
    assert render(templates.put(named), TWO_TURNS) == render(put("EOS_LAST"), TWO_TURNS)
    only = {"chat": templates.EOS_LAST}
    assert render(templates.put(only), TWO_TURNS) == render(put("EOS_LAST"), TWO_TURNS)


@pytest.fixture
def saved(tmp_path):
    """A function: the folder of a tokenizer with templates, saved as the hub has them."""

    def save(template):
        tokenizer = templates.put(template)
        tokenizer.save_pretrained(tmp_path)
        (tmp_path / "config.json").write_text('{"model_type": "llama"}')
        return tmp_path

    return save


@pytest.mark.parametrize(
    "template",
    [
        templates.EOS_LAST,
        {"default": templates.EOS_LAST, "tool_use": templates.SILENT},
        {"chat": templates.EOS_LAST},
    ],
)
def test_templates_are_found_in_a_folder_however_they_are_stored(saved, template):
    loaded = loading.load_tokenizer(str(saved(template)))
    assert render(loaded, TWO_TURNS) == render(put("EOS_LAST"), TWO_TURNS)


def test_a_list_of_named_templates_in_the_tokenizers_configuration_is_read(saved):
    import json

    folder = saved(templates.EOS_LAST)
    (folder / "chat_template.jinja").unlink()
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config["chat_template"] = [
        {"name": "rag", "template": templates.SILENT},
        {"name": "default", "template": templates.EOS_LAST},
    ]
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    loaded = loading.load_tokenizer(str(folder))
    assert render(loaded, TWO_TURNS) == render(put("EOS_LAST"), TWO_TURNS)


def test_several_templates_without_a_default_are_named(saved):
    folder = saved({"rag": templates.SILENT, "tool_use": templates.SILENT})
    with pytest.raises(ModelError, match=r"several chat templates \(rag, tool_use\) and none is"):
        loading.load_tokenizer(str(folder))


# --- what an answer's words are ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("<|channel|>final<|message|>The keeper.", "The keeper."),
        (
            "<|channel|>analysis<|message|>Hm.<|stop|><|start|>assistant"
            "<|channel|>final<|message|>The keeper.",
            "The keeper.",
        ),
        ("<|channel|>analysis<|message|>Hm.", "<|channel|>analysis<|message|>Hm."),
    ],
)
def test_the_words_of_an_answer_in_channels_are_the_final_channels(written, words):
    tokenizer = put("CHANNELS")
    ids = tokenizer.encode(written, add_special_tokens=False)
    assert generate.answer_text(tokenizer, ids) == words


def test_the_words_of_any_other_answer_are_all_but_its_marks():
    tokenizer = put("EOS_LAST")
    ids = tokenizer.encode(" The <|head|>keeper.\n", add_special_tokens=False)
    assert generate.answer_text(tokenizer, ids) == "The keeper."
