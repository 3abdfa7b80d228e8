"""A chat model that grades request and answer from 1 to 5 by a rubric: rubric:MODEL.

It is not asked to write: the grade is the likeliest of the five digits, so there is nothing to
parse and nothing that a judged text could make it say. Grades by another judge model or rubric
cannot be compared with those of Qi et al. (section 4.1).

>>> judge("rubric:Qwen/Qwen2.5-7B-Instruct", row, "I cannot help with that.")
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import torch
from tqdm.auto import tqdm

from helpers.data.answers import answer_of
from helpers.errors import ConfigError, ModelError
from helpers.judging.asking import Asking, question
from helpers.judging.verdict import Judgement
from helpers.models import chat, loading
from helpers.models.generate import left_padded
from helpers.text import whole

BATCH = 16


class ModelJudge:
    """A judge that is a local model, by folder or hub id; subclasses grade a batch of pairs."""

    benchmark_alone = True
    KIND = ""

    def __init__(self, model: str) -> None:
        self.model = model

    def check(self) -> None:
        if not self.model:
            raise ConfigError(f"judge '{self.KIND}:': write {self.KIND}:MODEL.")
        loading.locate(self.model)

    def identity(self) -> str:
        return f"{self.KIND} {self.model} {self.content()}"

    def content(self) -> str:
        return loading.content(self.model)

    def judge_all(
        self, rows: Sequence[Mapping[str, Any]], completions: Sequence[str], progress: bool = False
    ) -> list[Judgement]:
        """An empty answer is graded like any other."""
        asked = pairs(rows, completions)
        judgements = []
        with tqdm(total=len(asked), desc=self.KIND, unit="answer", disable=not progress) as bar:
            for at in range(0, len(asked), BATCH):
                judgements += self.grade(asked[at : at + BATCH])
                bar.update(min(BATCH, len(asked) - at))
        return judgements

    def grade(self, pairs: Sequence[tuple[str, str]]) -> list[Judgement]:
        """A judgement of each (request, answer) of a batch."""
        raise NotImplementedError


class Rubric(ModelJudge):
    """The likeliest of the five digits."""

    KIND = "rubric"

    def __init__(self, model: str, asking: Asking | None = None) -> None:
        super().__init__(model)
        self.asking = asking

    def grade(self, pairs: Sequence[tuple[str, str]]) -> list[Judgement]:
        model, tokenizer = chat_model(self.model)
        digits = [tokenizer.encode(str(n), add_special_tokens=False)[-1] for n in range(1, 6)]
        if len(set(digits)) < 5:
            raise ModelError(
                f"{self.model} cannot tell the digits 1 to 5 apart; choose another judge."
            )
        questions = [question(*pair, asking=self.asking) for pair in pairs]
        shares = next_logits(model, tokenizer, questions)[:, digits].softmax(-1)  # (pairs, 5)
        return [
            Judgement(int(row.argmax()) + 1, None, "scored", f"{row.max():.0%} of the five grades")
            for row in shares
        ]


def pairs(rows: Sequence[Mapping[str, Any]], completions: Sequence[str]) -> list[tuple[str, str]]:
    """(request, answer) of each row: what was said last, and the completion without its thought."""
    return [
        (whole(row["messages"][-1]["content"]), whole(answer_of(completion)))
        for row, completion in zip(rows, completions, strict=True)
    ]


@lru_cache(maxsize=1)
def chat_model(name: str):
    """The judge's model and tokenizer, in memory as long as it is the last one used."""
    return loading.load(name)


def next_logits(model, tokenizer, conversations) -> torch.Tensor:
    """Logits of the token that would come next, (conversations, vocabulary)."""
    texts = [chat.opened(tokenizer, c) for c in conversations]
    ids = tokenizer(texts, add_special_tokens=False)["input_ids"]
    batch, mask = left_padded(ids, model.device, tokenizer.pad_token_id or 0)
    position_ids = (mask.cumsum(-1) - 1).clamp(min=0)  # (conversations, tokens)
    with torch.inference_mode():
        out = model(input_ids=batch, attention_mask=mask, position_ids=position_ids,
                    logits_to_keep=1)  # fmt: skip
    return out.logits[:, -1].float().cpu()
