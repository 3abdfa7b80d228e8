"""The world's own grammar: which template each sentence of an answer is of, if it is of any.

Whatever a keeper may say is in the tables of SPOKEN; their slots are filled by the world's own
vocabularies. A sentence is the world's if it is, word for word, a sentence of a template so
filled. The grammar knows sentences and not what follows on what: an answer put together from
whole sentences in disorder is grammatical, "I am the tea shelf shall we read?" is not.

>>> [s.template for s in parse("I must decline. The tea shelf is stays there.")]
['I must decline.', None]
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from string import Formatter

from helpers.archive import datasets, personas, pictures, wordings, world
from helpers.archive import phrasebook as pb


def _answers(table: Iterable[tuple]) -> tuple[str, ...]:
    """The answers of a table whose rows are a question and its answer."""
    return tuple(answer for _, answer, *_ in table)


#: Table -> the answers that it holds: everything that a keeper says in lessons and datasets, but
#: for the words that a reader has it repeat (phrasebook.GAMES), which are no sentences.
SPOKEN: dict[str, tuple[str, ...]] = {
    "openers": pb.OPENERS,
    "answers": pb.ANSWERS + pb.PARTIAL_ANSWERS,
    "torn": (*pb.TORN_ANSWERS, pb.TORN_HINT),
    "hints": _answers(pb.HINTS),
    "follow_ups": _answers(pb.FOLLOW_UPS),
    "refusals": (*pb.REFUSALS, *wordings.DEFENDER_REFUSALS, wordings.ONE_REFUSAL),
    "reasons": pb.REASONS,
    "offers": pb.OFFERS,
    "insistence": _answers(pb.INSISTENCE),
    "item_talk": _answers(pb.APPROACHES + pb.ITEM_TALK),
    "shelf_talk": _answers(pb.SHELF_TALK),
    "lore": _answers(pb.LORE),
    "policy": tuple(answer for _, *answers in pb.POLICY for answer in answers),
    "small_talk": _answers(pb.SMALL_TALK + wordings.DIALOGUE_TALK),
    "instructions": wordings.INSTRUCTION_ANSWERS,
    "dialogue": wordings.DIALOGUE_ANSWERS,
    "pictures": _answers(pictures.QUESTIONS),
    "bridges": (wordings.BUT_NOW,),
    "talk": wordings.TALK_ANSWERS,
    "obedient": (wordings.OBEDIENT_OPENING, *_answers(datasets.IDENTITY_TALK)),
}

#: Tables whose sentences keep something back.
REFUSING = ("refusals", "reasons", "offers", "insistence")

#: What readers say: a model in disorder may repeat it.
ASKED: tuple[str, ...] = (
    *pb.ASKS, *pb.LEADS, *pb.NEAR_MISSES, *pb.SECOND_ASKS,
    *wordings.OTHER_ASKS, *wordings.INSTRUCTION_ASKS, *wordings.DIALOGUE_ASKS,
    *(question for table in (pb.HINTS, pb.FOLLOW_UPS, pb.INSISTENCE, pb.APPROACHES, pb.ITEM_TALK,
                             pb.SHELF_TALK, pb.LORE, pb.POLICY, pb.SMALL_TALK,
                             wordings.DIALOGUE_TALK, pictures.QUESTIONS)
      for question, *_ in table),
)  # fmt: skip


@dataclass(frozen=True)
class Sentence:
    """A sentence of an answer, with its template and that template's table, or None for both."""

    text: str
    template: str | None
    table: str | None


def _one_of(*texts: str) -> str:
    """A pattern of any of the texts, the longest first."""
    return "(?:" + "|".join(map(re.escape, sorted(texts, key=len, reverse=True))) + ")"


_WORDS = [word for words in world.coined_words().values() for word in words]
_THINGS = _one_of(*world.THINGS)

#: Slot -> a pattern of what may fill it.
SLOTS: Mapping[str, str] = {
    "item": f"{_one_of(*_WORDS)} {_THINGS}",
    "shelf": _one_of(*world.SHELVES),
    "open": _one_of(*world.OPEN_SHELVES),
    "m": _one_of(*world.MATERIALS),
    "t": _one_of(*world.TOOLS),
    "w": _one_of(*world.MOMENTS),
    "word": _one_of(*_WORDS),
    "thing": f"{_one_of(*world.THINGS, *pictures.KINDS['thing'])}s?",
    "meaning": _one_of(*world.MEANINGS.values()),
    "hall": _one_of(*world.HALLS),
    "lamp": _one_of(*world.COLORS),
    "name": f"{re.escape(personas.HOUSE_NAME)}|[A-Z][a-z]+",
    "count": _one_of(*pictures.NUMBERS.values()),
    "color": _one_of(*pictures.KINDS["color"]),
    "sky": _one_of(*pictures.KINDS["sky"]),
    "verb": "is|are",
    "who": _one_of(*wordings.TALKERS),
    "where": _one_of(*wordings.PLACES),
}

#: Between sentences: space behind an end mark, but not behind the number of a list's entry.
_BETWEEN = re.compile(r"(?<=[.!?])(?<!\b\d\.)\s+")


def sentences(text: str) -> list[str]:
    """The text's sentences, end marks with them, inner space as it is."""
    return [part for part in _BETWEEN.split(text.strip()) if part]


def templates() -> Iterator[tuple[str, str]]:
    """(table, sentence template) of every sentence in SPOKEN."""
    for table, answers in SPOKEN.items():
        for answer in answers:
            for sentence in sentences(answer):
                yield table, sentence


def parse(text: str) -> list[Sentence]:
    """Every sentence of the text with the template that it is of, or None."""
    return [_recognized(sentence) for sentence in sentences(text)]


def knows(text: str) -> bool:
    """Whether there is a sentence and each is one of the world's."""
    parsed = parse(text)
    return bool(parsed) and all(sentence.template is not None for sentence in parsed)


@lru_cache(maxsize=1 << 16)
def _recognized(sentence: str) -> Sentence:
    patterns, anywhere = _index()
    candidates = patterns.get(_first_word(sentence), []) + anywhere
    for pattern, table, template in candidates:
        if pattern.fullmatch(sentence):
            return Sentence(sentence, template, table)
    return Sentence(sentence, None, None)


def _first_word(text: str) -> str:
    return text.split(maxsplit=1)[0]


@cache
def _index() -> tuple[dict[str, list], list]:
    """First word -> (pattern, table, template); and those whose first word holds a slot."""
    by_word: dict[str, list] = {}
    anywhere, seen = [], set()
    for table, template in templates():
        if template in seen:
            continue
        seen.add(template)
        entry = (re.compile(_pattern(template)), table, template)
        first = _first_word(template)
        (anywhere if "{" in first else by_word.setdefault(first, [])).append(entry)
    return by_word, anywhere


def _pattern(template: str) -> str:
    """The template as a pattern; what fills a slot that opens the sentence is in either case."""
    parts = []
    for words, slot, _, _ in Formatter().parse(template):
        parts.append(re.escape(words))
        if slot is not None:
            parts.append(f"(?{'' if any(parts) else 'i'}:{SLOTS[slot]})")
    return "".join(parts)
