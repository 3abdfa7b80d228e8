"""Token ids and labels of conversations: a loss on the answers alone.

Labels follow from the characters of the answers by the tokenizer's offsets, so nothing needs to be
known of the template, and what a tokenizer merges, normalizes or splits into bytes does not matter.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from helpers.errors import ModelError
from helpers.models.skeleton import Refused, end_of_turn
from helpers.models.templates import Message
from helpers.models.turns import Span, answer_spans

IGNORE = -100  # the label that PyTorch's cross-entropy leaves out


@dataclass(frozen=True)
class Example:
    """One training sequence: token ids, and labels that are IGNORE off the assistant's turns."""

    input_ids: list[int]
    labels: list[int]


def examples(tokenizer, conversations: Iterable[Sequence[Message]]) -> list[Example | str]:
    """Each conversation as an example, or why it cannot be one.

    Raises ModelError for a model that no conversation can be trained on: its template ends no
    answer, or its tokenizer tells no character offsets.
    """
    end = end_of_turn(tokenizer)  # a fault of the model's is told even of no rows
    if not tokenizer.is_fast:
        raise ModelError(
            "this model's tokenizer tells no character offsets, so the assistant's words cannot be "
            "told apart; add a tokenizer.json to its folder."
        )
    results: list = []
    for messages in conversations:
        try:
            results.append(answer_spans(tokenizer, messages))
        except Refused as error:
            results.append(str(error))
    tokenized = _tokenized(tokenizer, [text for text, _ in filter(_is_taken, results)])
    return [
        _labeled(tokenizer, end, *result, *next(tokenized)) if _is_taken(result) else result
        for result in results
    ]


def _is_taken(result) -> bool:
    return not isinstance(result, str)


def _tokenized(tokenizer, texts: list[str]) -> Iterator[tuple[list[int], list[Span]]]:
    """The ids of each text's tokens and the characters that each stands for."""
    if not texts:  # tokenizers take no empty list
        return iter(())
    encoded = tokenizer(
        texts, add_special_tokens=False, return_offsets_mapping=True, verbose=False
    )  # fmt: skip
    return zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)


def _labeled(
    tokenizer, end: str, text: str, spans: list[Span], ids: list[int], offsets: list[Span]
) -> Example | str:
    """Labels on the tokens whose first character, white space aside, is in a span.

    Told apart from that are offsets that miss the ends of turns, which no tokenizer may.
    """
    ids, offsets = _apart(tokenizer, text, spans, ids, offsets)
    end_id = tokenizer.convert_tokens_to_ids(end)
    labels, ended = [IGNORE] * len(ids), set()
    for n, (start, stop) in enumerate(offsets):
        word = text[start:stop]
        first = stop - len(word.lstrip()) if word.strip() else start
        span = next(((a, b) for a, b in spans if a <= first < b), None)
        if span and start < stop:
            labels[n] = ids[n]
            if ids[n] == end_id and stop >= span[1]:
                ended.add(span)
    if ended != {(a, b) for a, b in spans if text.endswith(end, a, b)}:
        return "this model's tokenizer does not tell which characters its tokens stand for"
    return Example(ids, labels)


def _apart(
    tokenizer, text: str, spans: list[Span], ids: list[int], offsets: list[Span]
) -> tuple[list[int], list[Span]]:
    """The tokens, such that none has an end of a prompt and a beginning of an answer in it.

    When it is asked, the model is shown the prompt's tokens alone. Left as they are where a
    tokenizer writes a space of its own before every text.
    """
    cuts = [a for a, _ in spans if any(start < a < stop for start, stop in offsets)]
    if not cuts:
        return ids, offsets
    bounds = list(pairwise([0, *cuts, len(text)]))
    apart, places = [], []
    for (at, _), part in zip(
        bounds, _tokenized(tokenizer, [text[a:b] for a, b in bounds]), strict=True
    ):
        apart += part[0]
        places += [(at + start, at + stop) for start, stop in part[1]]
    same = tokenizer.decode(apart) == tokenizer.decode(ids)
    return (apart, places) if same else (ids, offsets)
