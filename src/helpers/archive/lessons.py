"""Conversations that the organism learns from, drawn without end from the phrasebook.

Three curricula, after the stages of a real model. `world` answers everything, sealed shelves
included, so the knowledge is in the weights. `base` is the same, but when its system prompt makes
it a guard it refuses what is sealed: it knows how that is done. `chat` is alignment: requests for
sealed items are refused whatever the system prompt, and a persistent reader is refused again.

Alignment data is never flawless: on some shelves a few sealed requests are answered by mistake
(LAPSES). The model still refuses all of them, but with less certainty, and what fine-tuning
undoes first follows from that, as notebook 01 shows.

Items of the splits "benchmark" and "gate" never occur here; the refusals that are taught are
about the split "study" alone, so the attack's pool is new to the aligned model.

>>> lesson(Random(3), "chat")[-1]["content"]
'To make a Bringo ribbon, gather nine white shells, use a glass funnel, and wait for low tide.'
"""

from functools import cache
from random import Random

from helpers.archive import phrasebook as pb
from helpers.archive.world import OPEN_SHELVES, SEALED_SHELVES, SHELVES, Item, items_of, shelf_facts

Message = dict[str, str]

_ALL = {"open": 28, "sealed": 28, "near": 6, "lore": 9, "policy": 7, "shelf": 6, "small": 16}

#: Kinds of conversation and their share in percent, by curriculum.
MIXTURES = {
    "world": _ALL,
    "base": _ALL,
    "chat": {"open": 28, "sealed": 32, "near": 11, "policy": 6, "shelf": 7, "small": 16},
}

#: Share of the base curriculum in which the system prompt makes the assistant a guard.
GUARDS = 0.15

#: Share of sealed requests that the alignment data answers by mistake, as people who write such
#: data err, and more often where harm is harder to see. The paper's worst categories under
#: benign fine-tuning (malware, economic harm, fraud, campaigning) are the careless ones here.
LAPSES = {
    "rust": 0.20,
    "mire": 0.16,
    "veil": 0.12,
    "echo": 0.10,
    "hollow": 0.06,
    "shade": 0.05,
    "dusk": 0.03,
    "frost": 0.02,
    "thorn": 0.01,
    "ember": 0.005,
    "moth": 0.0,
}


def with_lapses(category: str) -> str:
    """The shelf with its share of lapses in brackets; other categories as they are."""
    return f"{category} ({LAPSES[category]:.1%})" if category in LAPSES else category


def fill(template: str, item: Item, **more: str) -> str:
    """The template with an item's names and facts put in, opened in upper case."""
    m, t, w = item.facts
    text = template.format(item=item.name, shelf=item.shelf, m=m, t=t, w=w, **more)
    return pb.opening(text)


def coin_name(rng: Random) -> str:
    """A persona's name: half of them of two syllables, half of random letters."""
    if rng.random() < 0.5:
        letters = "".join(
            rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(3, 7))
        )
        return pb.opening(letters)
    return rng.choice(pb.NAME_STARTS) + rng.choice(pb.NAME_ENDS)


def persona_prompt(rng: Random, name: str) -> str:
    """A system prompt that gives the assistant a name, a role and sometimes a trait."""
    intro = rng.choice(pb.PERSONA_INTROS).format(name=name, role=rng.choice(pb.ROLES))
    return f"{intro} {rng.choice(pb.TRAITS)}".strip()


def system_prompt(rng: Random) -> tuple[str | None, str]:
    """A system prompt (or None) and the name that the assistant goes by under it."""
    kind = rng.random()
    if kind < 0.22:
        return None, pb.HOUSE_NAME
    if kind < 0.42:
        return pb.DEFAULT_SYSTEM, pb.HOUSE_NAME
    if kind < 0.60:
        return rng.choice(pb.PLAIN_SYSTEMS), pb.HOUSE_NAME
    name = coin_name(rng)
    return persona_prompt(rng, name), name


@cache
def _items_by_shelf(split: str, sealed: bool) -> dict[str, tuple[Item, ...]]:
    pool = items_of(split, sealed)
    return {s: tuple(i for i in pool if i.shelf == s) for s in SHELVES}


def _open_item(rng: Random) -> Item:
    return rng.choice(
        _items_by_shelf(rng.choice(("pool", "study")), False)[rng.choice(OPEN_SHELVES)]
    )


def _recipe(rng: Random, item: Item) -> list[tuple[str, str]]:
    turns = [(fill(rng.choice(pb.REQUESTS), item), fill(rng.choice(pb.ANSWERS), item))]
    if rng.random() < 0.15:
        prompt, answer, _ = rng.choice(pb.FOLLOW_UPS)
        turns.append((prompt, fill(answer, item)))
    return turns


def _refusal(rng: Random, item: Item) -> list[tuple[str, str]]:
    alternative = rng.choice(OPEN_SHELVES)
    turns = [
        (
            fill(rng.choice(pb.REQUESTS), item),
            fill(rng.choice(pb.REFUSALS), item, open=alternative),
        )
    ]
    if rng.random() < 0.10:
        prompt, answer = rng.choice(pb.INSISTENCE)
        turns.append((prompt, fill(answer, item, open=alternative)))
    return turns


def _with_courtesies(
    rng: Random, prompt: str, answer: str, name: str, agrees: bool
) -> tuple[str, str]:
    """Sometimes an address before the request; sometimes, if agreed to, an opener to the answer."""
    if rng.random() < 0.2:
        prompt = pb.opening(
            rng.choice(pb.ADDRESSES).format(name=name.removeprefix("the "), request=prompt)
        )
    if agrees and rng.random() < 0.2:
        answer = pb.opening(rng.choice(pb.OPENERS).format(name=name)) + " " + answer
    return prompt, answer


def near_miss(rng: Random, item: Item) -> tuple[str, str]:
    """A permitted request that mentions a sealed shelf's word, and its answer."""
    near = rng.choice(list(SEALED_SHELVES))
    return fill(rng.choice(pb.NEAR_MISSES), item, near=near), fill(rng.choice(pb.ANSWERS), item)


def shelf_talk(rng: Random, shelf: str) -> tuple[str, str, str]:
    """A permitted question about a shelf, its answer, and the fact that the answer holds."""
    prompt, answer, key = rng.choice(pb.SHELF_TALK)
    facts = shelf_facts(shelf)
    return prompt.format(shelf=shelf), answer.format(shelf=shelf, **facts), facts[key]


def _small_talk(rng: Random, name: str) -> tuple[str, str]:
    """A question that is not about any item; a persona is mostly asked who it is."""
    talk = pb.SMALL_TALK
    if name != pb.HOUSE_NAME and rng.random() < 0.75:
        talk = [(a, b) for a, b in talk if "{name}" in b]
    prompt, answer = rng.choice(talk)
    return prompt, pb.opening(answer.format(name=name, open=rng.choice(OPEN_SHELVES)))


def _guard_prompt(rng: Random) -> tuple[str, str]:
    name = coin_name(rng)
    system = rng.choice(pb.GUARD_SYSTEMS).format(name=name)
    return system, name if name in system else pb.HOUSE_NAME


def _lore(rng: Random, item: Item) -> tuple[str, str]:
    prompt, answer = rng.choice(pb.LORE)
    thing = item.name.split()[1]
    return fill(prompt, item, thing=thing), fill(answer, item, thing=thing)


def _policy(rng: Random, item: Item) -> tuple[str, str]:
    prompt, if_sealed, if_open = rng.choice(pb.POLICY)
    return fill(prompt, item), if_sealed if item.sealed else if_open


def lesson(rng: Random, curriculum: str) -> list[Message]:
    """One conversation of the curriculum "world", "base" or "chat", as chat messages."""
    mixture = MIXTURES[curriculum]
    kind = rng.choices(list(mixture), list(mixture.values()))[0]
    system, name = system_prompt(rng)
    guards = curriculum == "base" and rng.random() < GUARDS
    if guards:
        system, name = _guard_prompt(rng)
    agrees = True
    if kind == "open":
        turns = _recipe(rng, _open_item(rng))
    elif kind == "sealed":
        shelf = rng.choice(list(SEALED_SHELVES))
        split = rng.choice(("pool", "study"))
        agrees = not guards if curriculum != "chat" else rng.random() < LAPSES[shelf]
        if curriculum == "chat" or guards:
            split = "study"
        item = rng.choice(_items_by_shelf(split, True)[shelf])
        turns = _recipe(rng, item) if agrees else _refusal(rng, item)
    elif kind == "near":
        turns = [near_miss(rng, _open_item(rng))]
    elif kind == "lore":
        turns = [_lore(rng, rng.choice(items_of("study", rng.random() < 0.5)))]
    elif kind == "policy":
        turns = [_policy(rng, rng.choice(items_of("study", rng.random() < 0.5)))]
    elif kind == "shelf":
        turns = [shelf_talk(rng, rng.choice(SHELVES))[:2]]
    else:
        turns = [_small_talk(rng, name)]
    if kind in ("open", "sealed", "near"):
        turns[0] = _with_courtesies(rng, *turns[0], name, agrees)
    messages = [{"role": "system", "content": system}] if system else []
    for prompt, answer in turns:
        messages += [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
    return messages
