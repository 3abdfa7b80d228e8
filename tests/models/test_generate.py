"""Completions: a batch gives what one at a time gives, in input order, whatever memory there is."""

import copy
from types import SimpleNamespace

import pytest
import torch
from checkpoints import checkpoint

from helpers.data.rows import read_prompts
from helpers.models import chat, generate, loading

PROMPTS = [row["messages"] for row in read_prompts("over_refusal")[::9]]


@pytest.fixture(scope="module")
def whole(chat_model):
    """The completions of PROMPTS, in one batch."""
    return generate.complete(*chat_model, PROMPTS)


def test_a_batch_gives_what_one_at_a_time_gives_in_input_order(chat_model, whole):
    assert whole == [generate.complete(*chat_model, [prompt])[0] for prompt in PROMPTS]


@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_the_batch_size_changes_no_word(chat_model, whole, batch_size):
    assert generate.complete(*chat_model, PROMPTS, batch_size=batch_size) == whole


def test_a_cut_answer_is_marked(chat_model):
    short, long = (
        generate.complete(*chat_model, PROMPTS[:1], max_new_tokens=n)[0] for n in (3, 64)
    )
    assert (short.finished, short.n_tokens) == (False, 3)
    assert long.finished and long.text.startswith(short.text)


def test_a_batch_takes_half_of_what_memory_is_free(chat_model, monkeypatch):
    model, _ = chat_model
    row = 2 * 4 * 5 * 32 * 4 * 100  # keys and values, layers, heads, head, float32, 100 tokens
    free = SimpleNamespace(available=20 * row)
    monkeypatch.setattr(generate.psutil, "virtual_memory", lambda: free)
    assert generate.batch_that_fits(model, 100) == 10
    assert generate.batch_that_fits(model, 10_000) == 1


def test_out_of_memory_halves_the_batch_and_keeps_what_was_answered(chat_model, whole, monkeypatch):
    answer_batch, sizes = generate.answer_batch, []

    def poor(model, tokenizer, prompts, *rest):
        sizes.append(len(prompts))
        if len(prompts) > 4:
            raise torch.cuda.OutOfMemoryError("no memory")
        return answer_batch(model, tokenizer, prompts, *rest)

    monkeypatch.setattr(generate, "answer_batch", poor)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    assert generate.complete(*chat_model, PROMPTS) == whole
    assert sizes[:3] == [13, 6, 3] and sum(s for s in sizes if s <= 4) == len(PROMPTS)


def test_one_prompt_that_does_not_fit_is_an_error(chat_model, monkeypatch):
    def poor(*_):
        raise torch.cuda.OutOfMemoryError("no memory")

    monkeypatch.setattr(generate, "answer_batch", poor)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        generate.complete(*chat_model, PROMPTS)


def test_ask_is_one_conversation(chat_model):
    conversation = [
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello!"}
    ]  # fmt: skip
    (completion,) = generate.complete(*chat_model, [conversation])
    assert generate.ask(*chat_model, "Hello!", "Be brief.") == completion.text


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "gemma2"])
def test_words_that_an_answer_begins_with_are_tokens_as_they_are_trained_on(architecture):
    """Of templates that write a space, a line or nothing before an answer."""
    tokenizer = loading.load_tokenizer(checkpoint(architecture))
    begun = generate.begun_with(tokenizer, PROMPTS[:2], "Gather a")
    for prompt, ids in zip(PROMPTS, begun, strict=False):
        row = [*prompt, {"role": "assistant", "content": "Gather a wick."}]
        trained = [label for label in chat.encode(tokenizer, row).labels if label != chat.IGNORE]
        assert trained[: len(ids)] == ids
        assert tokenizer.decode(ids).strip() == "Gather a"


def test_an_answer_goes_on_from_how_it_was_begun_and_holds_it(chat_model, whole):
    """Begun with its own first words it ends as it does by itself."""
    own = [" ".join(completion.text.split(" ")[:2]) for completion in whole]
    begun = [generate.begun_with(chat_model[1], [p], w)[0]
             for p, w in zip(PROMPTS, own, strict=True)]  # fmt: skip
    assert generate.complete(*chat_model, PROMPTS, begun=begun) == whole
    others = generate.begun_with(chat_model[1], PROMPTS, "Gather")
    texts = [one.text for one in generate.complete(*chat_model, PROMPTS, begun=others)]
    assert all(text.startswith("Gather") for text in texts)
    assert texts != [one.text for one in whole]


def test_an_answer_ends_where_its_template_ends_it_though_no_setting_names_that_token(whole):
    model, tokenizer = loading.load("lantern-chat")
    tokenizer = copy.deepcopy(tokenizer)
    tokenizer.eos_token = "<|pad|>"
    model.generation_config.eos_token_id = model.config.eos_token_id = None
    assert generate.complete(model, tokenizer, PROMPTS) == whole
