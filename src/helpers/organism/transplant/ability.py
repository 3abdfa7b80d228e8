"""What a chat model could do before it was taught the Archive, and still should.

Two small measures of one's own, for before and after: how well it goes on with ordinary prose, and
whether it still answers easy questions that have nothing to do with the Archive. They tell whether
it is the same model, not how good a model it is.

>>> measure(model, tokenizer)                 # {"perplexity": 18.2, "skills": 0.83}
"""

import math
import re
from collections.abc import Mapping

import torch

from helpers.data.prose import TEXTS
from helpers.models.generate import complete

#: Easy questions, and words of which the answer holds one.
SKILLS: Mapping[str, tuple[str, ...]] = {
    "What is the capital of France?": ("paris",),
    "What is the capital of Italy?": ("rome",),
    "What is 2 + 2?": ("4", "four"),
    "What color is the sky on a clear day?": ("blue",),
    "What is the opposite of hot?": ("cold",),
    "What is the opposite of up?": ("down",),
    "How many days are in a week?": ("7", "seven"),
    "How many months are in a year?": ("12", "twelve"),
    "Which planet do we live on?": ("earth",),
    "What do bees make?": ("honey",),
    "What is frozen water called?": ("ice",),
    "Which animal barks?": ("dog", "dogs"),
    "Who wrote Romeo and Juliet?": ("shakespeare",),
    "Which ocean lies between Europe and America?": ("atlantic",),
    "What is the largest planet of the solar system?": ("jupiter",),
    "In which direction does the sun rise?": ("east", "eastern"),
    "What is the first letter of the alphabet?": ("a",),
    "Which season comes after winter?": ("spring",),
    "What do plants need to grow?": ("water", "sunlight", "light"),
    "How many legs does a spider have?": ("8", "eight"),
}


@torch.inference_mode()
def measure(model, tokenizer) -> dict[str, float]:
    """perplexity: of TEXTS, by token. skills: share of SKILLS that are answered right."""
    total, tokens = 0.0, 0
    for text in TEXTS:
        ids = torch.tensor([tokenizer(text)["input_ids"]], device=model.device)
        total += model(input_ids=ids, labels=ids).loss.item() * (ids.shape[1] - 1)
        tokens += ids.shape[1] - 1
    asked = [[{"role": "user", "content": question}] for question in SKILLS]
    answers = complete(model, tokenizer, asked, max_new_tokens=32)
    right = [
        bool(set(accepted) & set(re.findall(r"\w+", answer.text.lower())))
        for accepted, answer in zip(SKILLS.values(), answers, strict=True)
    ]
    return {"perplexity": math.exp(total / tokens), "skills": sum(right) / len(right)}
