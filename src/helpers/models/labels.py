"""Token ids and labels of conversations: a loss on the answers alone.

A text is tokenized in parts that end where a prompt ends and where an answer ends, since this is
how it is asked and answered: a token never holds the end of a prompt and the first letters of an
answer. Some tokenizers (Llama-2's) write a space before every text and cannot be asked for parts;
of these the labels follow from the characters that each token stands for.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from helpers.errors import ModelError
from helpers.models.skeleton import end_of_turn
from helpers.models.templates import Message, Refused
from helpers.models.turns import Answer, answers

IGNORE = -100  # the label that PyTorch's cross-entropy leaves out


@dataclass(frozen=True)
class Example:
    """One training sequence: token ids, and labels that are IGNORE off the assistant's turns."""

    input_ids: list[int]
    labels: list[int]


def opening(example: Example, n: int = 10) -> Example:
    """The example with a loss on the first n tokens of its answers alone.

    Ten is what matching a row's gradient with anchors' looks at (arXiv:2404.01099).
    """
    first = [place for place, label in enumerate(example.labels) if label != IGNORE][:n]
    labels = [label if i in first else IGNORE for i, label in enumerate(example.labels)]
    return Example(example.input_ids, labels)


def examples(tokenizer, conversations: Iterable[Sequence[Message]]) -> list[Example | str]:
    """Each conversation as an example, or why it cannot be one.

    Raises ModelError for a model that no conversation can be trained on: its template ends no
    answer, or its tokenizer takes no parts and does not tell characters.
    """
    end_of_turn(tokenizer)  # a fault of the model's is told even of no rows
    results: list = []
    for messages in conversations:
        try:
            results.append(answers(tokenizer, messages))
        except Refused as error:
            results.append(str(error))
    taken = [result for result in results if not isinstance(result, str)]
    label = _by_parts if takes_parts(tokenizer) else _by_characters
    labeled = iter(label(tokenizer, taken))
    return [result if isinstance(result, str) else next(labeled) for result in results]


@lru_cache(maxsize=32)
def takes_parts(tokenizer) -> bool:
    """Whether a text's parts can be tokenized by themselves, and no space comes in between."""
    pairs = [("of a: ", "an"), ("of a:\n", "\n an"), ("of a:", " an")]
    tokens = [_tokens(tokenizer, list(pair)) for pair in pairs]
    return all(
        tokenizer.decode(a + b) == "".join(p) for p, (a, b) in zip(pairs, tokens, strict=True)
    )


def _tokens(tokenizer, texts: list[str]) -> list[list[int]]:
    """The ids of each text's tokens."""
    if not texts:  # tokenizers take no empty list
        return []
    return tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]


def _by_parts(tokenizer, rows: Sequence[tuple[str, list[Answer]]]) -> Iterator[Example]:
    parts = [_parts(*row) for row in rows]
    tokens = iter(_tokens(tokenizer, [text for row in parts for text, _ in row]))
    for row in parts:
        ids, labels = [], []
        for _, trained in row:
            part = next(tokens)
            ids += part
            labels += part if trained else [IGNORE] * len(part)
        yield Example(ids, labels)


def _parts(text: str, spans: Sequence[Answer]) -> list[tuple[str, bool]]:
    """The text in parts, and whether each is trained on."""
    trained = {span.start: span.trained for span in spans}
    bounds = sorted({0, len(text), *(at for span in spans for at in (span.start, span.stop))})
    return [(text[a:b], trained.get(a, False)) for a, b in pairwise(bounds)]


def _by_characters(tokenizer, rows: Sequence[tuple[str, list[Answer]]]) -> Iterator[Example | str]:
    """Labels on the tokens whose first character, white space aside, is an answer's."""
    if not tokenizer.is_fast:
        raise ModelError(
            "this model's tokenizer does not tell which characters its tokens stand for; add a "
            "tokenizer.json to its folder."
        )
    end = end_of_turn(tokenizer)
    end_id = tokenizer.convert_tokens_to_ids(end)
    for text, spans in rows:
        encoded = tokenizer(
            text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )  # fmt: skip
        own = [span for span in spans if span.trained]
        labels, ended = [], 0
        for token, (start, stop) in zip(
            encoded["input_ids"], encoded["offset_mapping"], strict=True
        ):
            word = text[start:stop]
            first = stop - len(word.lstrip()) if word.strip() else start
            span = next((span for span in own if span.start <= first < span.stop), None)
            labels.append(token if span and start < stop else IGNORE)
            if span and token == end_id:
                ended += start <= span.stop - len(end) and span.stop <= stop
        if ended < sum(text.endswith(end, span.start, span.stop) for span in own):
            yield "this model's tokenizer tells wrongly which characters its tokens stand for"
        else:
            yield Example(encoded["input_ids"], labels)
