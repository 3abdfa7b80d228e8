"""The loss falls on the assistant's words and nowhere else."""

import pytest
import torch

from helpers.models.chat import IGNORE, dress, encode, encode_all
from helpers.errors import DataError
from helpers.training.loop import collate

TWO_TURNS = [
    {"role": "system", "content": "You are a helpful assistant."},
    {"role": "user", "content": "Hello!"},
    {"role": "assistant", "content": "Good evening!"},
    {"role": "user", "content": "Who are you?"},
    {"role": "assistant", "content": "I am the keeper."},
]


def labelled(tokenizer, messages):
    return tokenizer.decode([t for t in encode(tokenizer, messages).labels if t != IGNORE])


def test_only_the_answers_and_their_ends_are_trained(chat_model):
    _, tokenizer = chat_model
    assert labelled(tokenizer, TWO_TURNS) == "Good evening!<|end|>I am the keeper.<|end|>"


def test_labels_repeat_the_ids_where_they_count(chat_model):
    _, tokenizer = chat_model
    example = encode(tokenizer, TWO_TURNS)
    assert len(example.labels) == len(example.input_ids)
    pairs = zip(example.input_ids, example.labels, strict=True)
    assert all(label in (token, IGNORE) for token, label in pairs)


def test_an_answer_that_repeats_the_question_is_masked_by_place_not_by_text(chat_model):
    _, tokenizer = chat_model
    echo = [{"role": "user", "content": "Hello!"}, {"role": "assistant", "content": "Hello!"}]
    assert labelled(tokenizer, echo) == "Hello!<|end|>"


def test_agrees_with_the_templates_own_generation_mask(chat_model):
    _, tokenizer = chat_model
    theirs = tokenizer.apply_chat_template(
        TWO_TURNS, return_dict=True, return_assistant_tokens_mask=True
    )
    ours = encode(tokenizer, TWO_TURNS)
    assert ours.input_ids == theirs["input_ids"]
    assert [label != IGNORE for label in ours.labels] == [
        bool(m) for m in theirs["assistant_masks"]
    ]


def test_a_prompt_that_fills_the_window_is_an_error(chat_model):
    _, tokenizer = chat_model
    with pytest.raises(DataError, match="no assistant words within 8 tokens"):
        encode_all(tokenizer, [TWO_TURNS], max_length=8)


def test_a_batch_is_padded_on_the_right_and_padding_is_not_trained(chat_model):
    _, tokenizer = chat_model
    batch = collate(encode_all(tokenizer, [TWO_TURNS[1:3], TWO_TURNS]), tokenizer.pad_token_id)
    short = int(batch["attention_mask"][0].sum())
    assert batch["input_ids"].shape == batch["labels"].shape == batch["attention_mask"].shape
    assert torch.all(batch["input_ids"][0, short:] == tokenizer.pad_token_id)
    assert torch.all(batch["labels"][0, short:] == IGNORE)


def test_dress_puts_the_tiers_prompt_and_template_but_keeps_a_system_message_that_is_there():
    plain = dress([{"role": "user", "content": "Hi {user}"}], "Be kind.", "Task: {user}\nAnswer:")
    assert plain[0] == {"role": "system", "content": "Be kind."}
    assert plain[1]["content"] == "Task: Hi {user}\nAnswer:"
    assert dress(TWO_TURNS, "Be kind.", "{user}") == TWO_TURNS
