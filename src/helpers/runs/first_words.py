"""What a model is about to say, where each of these beginnings leads, and one that it is given.

The first token of an answer is written for the model, which goes on from there greedily; a judge
tells whether it refused. So the probability of refusing is that of an answer whose first token is
drawn and whose others are the likeliest ones.

>>> frame = begins(model, tokenizer, read_prompts("benchmark")[::30], experiment)
>>> refusing(frame)
0.9988
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import torch

from helpers.experiments.experiment import Experiment
from helpers.experiments.rows import conversation
from helpers.judging.registry import judge_named
from helpers.models import next_tokens
from helpers.models.chat import Message, opened, render
from helpers.models.generate import begun_with, complete, left_padded


@torch.inference_mode()
def begins(
    model,
    tokenizer,
    prompts: Sequence[Mapping[str, Any]],
    experiment: Experiment,
    n_words: int = 12,
) -> pd.DataFrame:
    """The likeliest first tokens of the model's answers, one row a token, likeliest first.

    Columns: token, probability (a mean over the prompts), refused (the share of the prompts that
    the model refuses once it has begun so, by the experiment's first judge), leads_to (refusal or
    answer, whichever is more frequent), n (prompts).
    """
    asked = [conversation(prompt, experiment) for prompt in prompts]
    texts = [opened(tokenizer, messages) for messages in asked]
    ids, mask = left_padded(
        tokenizer(texts, add_special_tokens=False)["input_ids"], model.device
    )  # each (prompts, longest)
    places = (mask.cumsum(-1) - 1).clamp(min=0)
    logits = model(input_ids=ids, attention_mask=mask, position_ids=places).logits
    chances = logits[:, -1].float().softmax(-1).mean(0)  # (vocabulary,)
    tokens = chances.topk(n_words).indices.tolist()
    words = [tokenizer.decode([token]) for token in tokens]
    heads = [head for word in words for head in begun_with(tokenizer, asked, word)]
    limit = experiment.max_new_tokens
    answers = complete(model, tokenizer, asked * n_words, limit, begun=heads)
    verdicts = judge_named(experiment.judges[0]).judge_all(
        list(prompts) * n_words, [answer.text for answer in answers]
    )
    refused = torch.tensor([bool(verdict.refused) for verdict in verdicts]).view(n_words, -1)
    share = refused.float().mean(1).tolist()
    return pd.DataFrame(
        {
            "token": words, "probability": chances[tokens].tolist(), "refused": share,
            "leads_to": ["refusal" if each > 0.5 else "answer" for each in share],
            "n": len(asked),
        }
    )  # fmt: skip


def refusing(frame: pd.DataFrame) -> float:
    """The probability of refusing, of the rows of `begins`; tokens that are not among them count
    as those that are."""
    return (frame.probability * frame.refused).sum() / frame.probability.sum()


def given(
    model, tokenizer, messages: Sequence[Message], words: str, n_likeliest: int = 4
) -> pd.DataFrame:
    """How the model reads words that are written for it as the beginning of its answer.

    One row a token of the words, and a last one for the token that would come next. Columns: token
    ("" in the last), probability (of the token, given all before it; NaN in the last), likeliest
    (the tokens that the model itself would rather write there, as pairs of token and probability).
    """
    asked = tokenizer.encode(render(tokenizer, messages, prompt=True), add_special_tokens=False)
    (ids,) = begun_with(tokenizer, [messages], words) if words else [[]]
    # Behind the words any token will do: its own probability is not looked at.
    (chances,) = next_tokens.along(model, [(asked, [*ids, 0])])  # (words + 1, vocabulary)
    top = chances.exp().topk(n_likeliest)
    likeliest = [
        [(tokenizer.decode([token]), chance) for token, chance in zip(*pairs, strict=True)]
        for pairs in zip(top.indices.tolist(), top.values.tolist(), strict=True)
    ]
    own = [chances[place, token].exp().item() for place, token in enumerate(ids)]
    tokens = [tokenizer.decode([token]) for token in ids]
    return pd.DataFrame(
        {"token": [*tokens, ""], "probability": [*own, float("nan")], "likeliest": likeliest}
    )
