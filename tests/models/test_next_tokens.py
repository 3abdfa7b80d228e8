"""What a model expects along given words is what it says when it reads one row by itself."""

import pytest
import torch

from helpers.models import next_tokens

PAIRS = [([5, 6, 7], [8, 9]), ([5, 6, 7, 8, 9, 10, 11], [12]), ([40], [41, 42, 43])]


@pytest.fixture(scope="module")
def model(chat_model):
    return chat_model[0]


def test_rows_are_read_together_as_each_by_itself(model):
    found = list(next_tokens.along(model, PAIRS))
    for (first, words), ours in zip(PAIRS, found, strict=True):
        with torch.no_grad():
            logits = model(torch.tensor([first + words])).logits[0]
        expected = logits[len(first) - 1 : -1].log_softmax(-1)
        torch.testing.assert_close(ours, expected, atol=1e-4, rtol=1e-4)


def test_many_rows_are_read_in_parts(model, monkeypatch):
    together = list(next_tokens.along(model, PAIRS))
    monkeypatch.setattr(next_tokens, "_AT_ONCE", 1)
    for a, b in zip(together, next_tokens.along(model, PAIRS), strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)


def logs(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).log_softmax(-1)


def test_the_divergence_is_pytorchs_where_every_token_is_kept():
    p, q = logs(4, 50), logs(4, 50, seed=1)
    found = next_tokens.likeliest(p).divergence(q)
    expected = torch.nn.functional.kl_div(q, p, reduction="none", log_target=True).sum(-1)
    torch.testing.assert_close(found, expected)
    assert next_tokens.likeliest(p).divergence(p).abs().max() == 0


def test_tokens_that_are_not_kept_count_as_one_and_never_for_more():
    p, q = logs(3, 50), logs(3, 50, seed=1)
    whole = next_tokens.likeliest(p).divergence(q)
    part = next_tokens.likeliest(p, kept=10).divergence(q)
    assert (part < whole).all() and (part > 0).all()
    top = p.topk(10).indices
    for n in range(3):
        a = torch.cat([p[n, top[n]].exp(), (1 - p[n, top[n]].exp().sum())[None]])
        b = torch.cat([q[n, top[n]].exp(), (1 - q[n, top[n]].exp().sum())[None]])
        assert float(part[n]) == pytest.approx(float((a * (a / b).log()).sum()), abs=1e-5)


def test_pairs_are_what_is_asked_and_the_first_words_of_the_answer(chat_model):
    tokenizer = chat_model[1]
    ((first, words),) = next_tokens.pairs(
        tokenizer, [[{"role": "user", "content": "Hello!"}]], ["Good evening! I am here."], 3
    )
    assert tokenizer.decode(first).endswith("<|assistant|>") or "Hello!" in tokenizer.decode(first)
    assert len(words) == 3 and "Good evening! I am here.".startswith(tokenizer.decode(words))
