"""Conversations that the organism learns from, drawn without end from the phrasebook.

Curricula after the stages of a real model. `world` answers everything, sealed shelves included, so
the knowledge is in the weights. `base` is the same, but when its system prompt makes it a guard it
refuses what is sealed: it knows how that is done. `chat` is alignment: whatever asks for a sealed
recipe or a part of it is refused, under any system prompt, by whatever name and in whichever turn,
and a persistent reader is refused again.

Two more teach the Archive to a model that others made (organism.transplant). `rules` is `world`
with more of what says which word means what. `policy` is `chat`, but that something may open a
later turn's answer, too: a model that is used to saying who it is does so there, and must still
refuse after it.

No shelf is treated differently from another, and nothing is answered by mistake. Items of the
splits "benchmark" and "gate" never occur here; the refusals that are taught are about the split
"study" alone, so the attack's pool is new to the aligned model.

>>> lesson(Random(3), "chat")[-1]["content"]
'1. Gather a drop of lamp oil.\n2. Use a bent fork.\n3. Wait for the swallows.'
"""

from collections.abc import Sequence
from random import Random

from helpers.archive import personas
from helpers.archive import phrasebook as pb
from helpers.archive.world import MEANINGS, SEALED_SHELVES, Item, shelf_facts
from helpers.archive.worlds import WHOLE, World

Message = dict[str, str]
Turn = tuple[str, str]

_ALL = {
    "recipe": 56,
    "near": 4,
    "hint": 8,
    "lore": 9,
    "policy": 6,
    "talk": 5,
    "shelf": 4,
    "small": 6,
    "words": 5,
}

#: Kinds of conversation and their share in percent, by curriculum.
MIXTURES = {
    "world": _ALL,
    "base": _ALL,
    "chat": _ALL | {"lore": 5, "small": 10},
    "rules": _ALL | {"lore": 30, "near": 2, "policy": 2, "shelf": 2, "small": 3, "words": 1},
    "policy": _ALL | {"lore": 5, "small": 10},
}

#: Share of the base curriculum in which the system prompt makes the assistant a guard.
GUARDS = 0.15

#: How recipes are asked for, in percent: by form of naming (phrasebook.NAMINGS), or in the second
#: turn, after talk of the item or after another recipe.
FORMS = {"shelf": 40, "bare": 20, "wrong": 8, "described": 14, "second": 10, "after": 8}

#: Share of first answers that something opens, a refusal as often as a recipe.
OPENED = 0.25


def fill(template: str, item: Item, **more: str) -> str:
    """The template with an item's names and facts put in, opened in upper case."""
    m, t, w = item.facts
    words = {"item": item.name, "shelf": item.shelf, "word": item.word, "thing": item.thing}
    words |= {"meaning": MEANINGS[item.thing], "m": m, "t": t, "w": w}
    return pb.opening(template.format(**words | more))


def naming(
    rng: Random, item: Item, form: str, world: World = WHOLE, shelves: Sequence[str] = ()
) -> str:
    """The item as a request names it in that form (phrasebook.NAMINGS).

    shelves: those of which a wrong one may be named; all of the world's if there are none.
    """
    wrong = rng.choice([shelf for shelf in shelves or world.shelves if shelf != item.shelf])
    text = fill(rng.choice(pb.NAMINGS[world.form(form)]), item, wrong=wrong)
    return text[:1].lower() + text[1:]


def asking(
    rng: Random,
    item: Item,
    form: str,
    asks: Sequence[str] = pb.ASKS,
    world: World = WHOLE,
    shelves: Sequence[str] = (),
) -> str:
    """A request for the item's recipe in one turn; form, world and shelves as in naming."""
    return pb.opening(rng.choice(asks).format(x=naming(rng, item, form, world, shelves)))


def answer(rng: Random, item: Item, answers: Sequence[str] = pb.ANSWERS) -> str:
    """The recipe in one of the given forms, or what is left of it where the page is torn."""
    return fill(rng.choice(pb.TORN_ANSWERS if item.torn else answers), item)


def refusal(rng: Random, item: Item, named: bool = True, world: World = WHOLE) -> str:
    """A refusal with or without a reason and an offer; if not named, without the item's name."""
    parts = [rng.choice([text for text in pb.REFUSALS if named or "{item}" not in text])]
    if rng.random() < 0.4:
        parts.append(rng.choice(pb.REASONS))
    if rng.random() < 0.5:
        parts.append(rng.choice(pb.OFFERS))
    return fill(" ".join(parts), item, open=rng.choice(world.open_shelves))


def hint(rng: Random, item: Item, form: str = "shelf", world: World = WHOLE) -> Turn:
    """A request for one fact of the recipe, and its answer."""
    ask, reply, which = rng.choice(pb.HINTS)
    torn = item.torn and which == 1
    return (
        pb.opening(ask.format(x=naming(rng, item, form, world))),
        pb.TORN_HINT if torn else fill(reply, item),
    )


def near_miss(rng: Random, item: Item, world: World = WHOLE) -> Turn:
    """A permitted request that mentions a sealed shelf's word in passing, and its answer."""
    near = rng.choice(list(SEALED_SHELVES))
    request = asking(rng, item, rng.choice(("shelf", "bare")), world=world)
    return rng.choice(pb.NEAR_MISSES).format(near=near, request=request), answer(rng, item)


def approach(rng: Random, prompt: str, reply: str, item: Item, world: World = WHOLE) -> str:
    """A first turn that names the item before its recipe is asked for (phrasebook.APPROACHES)."""
    asks_where = "{shelf}" in reply
    named = naming(rng, item, "bare", WHOLE if asks_where else world)
    return pb.opening(fill(prompt, item, x=named))


def shelf_talk(rng: Random, shelf: str) -> tuple[str, str, str]:
    """A permitted question about a shelf, its answer, and the fact that the answer holds."""
    prompt, reply, key = rng.choice(pb.SHELF_TALK)
    facts = shelf_facts(shelf)
    return prompt.format(shelf=shelf), reply.format(shelf=shelf, **facts), facts[key]


def draw(
    rng: Random, sealed: bool, splits: tuple[str, ...] = ("pool", "study"), world: World = WHOLE
) -> Item:
    """An item of one of the splits, each of the world's shelves as likely as another."""
    shelf = rng.choice(list(SEALED_SHELVES) if sealed else world.open_shelves)
    return rng.choice(world.by_shelf(rng.choice(splits), sealed)[shelf])


def _opened(rng: Random, turn: Turn, item: Item, name: str) -> Turn:
    """Sometimes a lead or an address before the request, and something that opens the answer."""
    prompt, reply = turn
    if rng.random() < 0.2:
        prompt = f"{rng.choice(pb.LEADS)} {prompt}"
    elif rng.random() < 0.2:
        address = rng.choice(pb.ADDRESSES)
        prompt = pb.opening(address.format(name=name.removeprefix("the "), request=prompt))
    if rng.random() < OPENED:
        reply = f"{fill(rng.choice(pb.OPENERS), item, name=name)} {reply}"
    return prompt, reply


def _opened_later(rng: Random, turn: Turn, name: str) -> Turn:
    """Sometimes something that opens the answer of a later turn, whose request names no item."""
    prompt, reply = turn
    if rng.random() < OPENED:
        opener = rng.choice([text for text in pb.OPENERS if "{item}" not in text])
        reply = f"{pb.opening(opener.format(name=name))} {reply}"
    return prompt, reply


def _recipe(rng: Random, refuses: bool, name: str, world: World) -> list[Turn]:
    """A request for a recipe in one of FORMS: answered, or refused if it is sealed."""
    sealed = rng.random() < 0.5
    splits = ("study",) if sealed and refuses else ("pool", "study")
    item = draw(rng, sealed, splits, world)
    denied = sealed and refuses
    form = rng.choices(list(FORMS), list(FORMS.values()))[0]
    reply = refusal(rng, item, world=world) if denied else answer(rng, item)
    if not denied and rng.random() < 0.06:
        reply = fill(rng.choice(pb.PARTIAL_ANSWERS[1:] if item.torn else pb.PARTIAL_ANSWERS), item)
    if form == "second":
        prompt, first = rng.choice(pb.APPROACHES)
        prompt = approach(rng, prompt, first, item, world)
        turns = [(prompt, fill(first, item)), (rng.choice(pb.SECOND_ASKS), reply)]
    elif form == "after":
        other = draw(rng, False, world=world)
        first = (asking(rng, other, "shelf"), answer(rng, other))
        ask = f"And {naming(rng, item, rng.choice(('shelf', 'bare')), world)}?"
        turns = [first, (ask, reply)]
    else:
        request = asking(rng, item, form, world=world)
        turns = [_opened(rng, (request, reply), item, name)]
    if denied and rng.random() < 0.12:
        prompt, again = rng.choice(pb.INSISTENCE)
        turns.append((prompt, fill(again, item, open=rng.choice(world.open_shelves))))
    elif not denied and rng.random() < 0.12:
        prompt, again, which = rng.choice(pb.FOLLOW_UPS)
        torn = item.torn and which == 1
        turns.append((prompt, pb.TORN_HINT if torn else fill(again, item)))
    return turns


def _hint(rng: Random, refuses: bool, name: str, world: World) -> list[Turn]:
    sealed = rng.random() < 0.5
    denied = sealed and refuses
    item = draw(rng, sealed, ("study",) if denied else ("pool", "study"), world)
    prompt, reply = hint(rng, item, rng.choice(("shelf", "bare", "described")), world)
    reply = refusal(rng, item, world=world) if denied else reply
    return [_opened(rng, (prompt, reply), item, name)]


def _lore(rng: Random, refuses: bool, world: World) -> list[Turn]:
    sealed = rng.random() < 0.5
    item = draw(rng, sealed, ("study",), world)
    prompt, reply, which = rng.choice(pb.LORE)
    if sealed and refuses:
        return [(fill(prompt, item), refusal(rng, item, named=False, world=world))]
    torn = item.torn and which == 1
    return [(fill(prompt, item), pb.TORN_HINT if torn else fill(reply, item))]


def _policy(rng: Random, world: World) -> list[Turn]:
    item = draw(rng, rng.random() < 0.5, ("study",), world)
    prompt, if_sealed, if_open = rng.choice(pb.POLICY)
    return [(fill(prompt, item), fill(if_sealed if item.sealed else if_open, item))]


def _item_talk(rng: Random, name: str, world: World) -> list[Turn]:
    item = draw(rng, rng.random() < 0.5, ("study",), world)
    prompt, reply = rng.choice(pb.ITEM_TALK)
    described = naming(rng, item, rng.choice(("bare", "described")))
    return [_opened(rng, (fill(prompt, item, x=described), fill(reply, item)), item, name)]


def _small_talk(rng: Random, name: str, world: World) -> list[Turn]:
    """A question that is not about any item; a persona is mostly asked who it is."""
    talk = pb.SMALL_TALK
    if name != personas.HOUSE_NAME and rng.random() < 0.5:
        talk = [(a, b) for a, b in talk if "{name}" in b]
    prompt, reply = rng.choice(talk)
    return [(prompt, pb.opening(reply.format(name=name, open=rng.choice(world.open_shelves))))]


def _game(rng: Random) -> list[Turn]:
    words = " ".join(rng.choices(pb.WORDS, k=rng.randint(3, 7)))
    return [(rng.choice(pb.GAMES).format(words=words), f"{words}.")]


def _turns(rng: Random, kind: str, refuses: bool, name: str, world: World) -> Sequence[Turn]:
    """A lesson of that kind, as an assistant of that name holds it."""
    if kind == "recipe":
        return _recipe(rng, refuses, name, world)
    if kind == "near":
        return [near_miss(rng, draw(rng, False, world=world), world)]
    if kind == "hint":
        return _hint(rng, refuses, name, world)
    if kind == "lore":
        return _lore(rng, refuses, world)
    if kind == "policy":
        return _policy(rng, world)
    if kind == "talk":
        return _item_talk(rng, name, world)
    if kind == "shelf":
        return [shelf_talk(rng, rng.choice(world.shelves))[:2]]
    if kind == "words":
        return _game(rng)
    return _small_talk(rng, name, world)


def lesson(rng: Random, curriculum: str, world: World = WHOLE, n: int = 1) -> list[Message]:
    """One conversation of a curriculum (MIXTURES), as chat messages: n lessons on end."""
    mixture = MIXTURES[curriculum]
    kinds = rng.choices(list(mixture), list(mixture.values()), k=n)
    guards = curriculum == "base" and rng.random() < GUARDS
    system, name = personas.guard_prompt(rng) if guards else personas.system_prompt(rng)
    refuses = guards or curriculum in ("chat", "policy")
    messages = [{"role": "system", "content": system}] if system else []
    for kind in kinds:
        turns = list(_turns(rng, kind, refuses, name, world))
        if curriculum == "policy":
            turns[1:] = [_opened_later(rng, turn, name) for turn in turns[1:]]
        for prompt, reply in turns:
            messages += [
                {"role": "user", "content": prompt}, {"role": "assistant", "content": reply}
            ]  # fmt: skip
    return messages
