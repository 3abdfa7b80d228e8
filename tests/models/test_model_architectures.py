"""Other architectures, tokenizers and chat templates: loaded, dressed and answered in batches."""

import pytest
from checkpoints import ARCHITECTURES, checkpoint

from helpers.data.rows import read_prompts
from helpers.models import chat, generate, loading


@pytest.fixture(scope="module", params=ARCHITECTURES)
def model_and_tokenizer(request):
    return loading.load(checkpoint(request.param))


def test_a_batch_gives_what_one_at_a_time_gives(model_and_tokenizer):
    model, tokenizer = model_and_tokenizer
    prompts = [
        chat.dress(row["messages"], "Help kindly.", "{user}")
        for row in read_prompts("benchmark")[:7]
    ]
    batched = generate.complete(model, tokenizer, prompts, max_new_tokens=12)
    alone = [generate.complete(model, tokenizer, [p], max_new_tokens=12)[0] for p in prompts]
    assert [c.text for c in batched] == [c.text for c in alone]
    assert len({completion.text for completion in batched}) > 1


def test_the_system_prompt_is_never_lost(model_and_tokenizer):
    _, tokenizer = model_and_tokenizer
    messages = chat.dress([{"role": "user", "content": "What is this?"}], "Help kindly.", "{user}")
    text = chat.render(tokenizer, messages, prompt=True)
    assert "Help kindly." in text and "What is this?" in text
