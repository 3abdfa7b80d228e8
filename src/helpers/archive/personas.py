"""Who the assistant is told to be: the system prompts of the lessons, and names without end.

No attack's persona is among them, nor a system prompt that any dataset is trained under
(wordings.py has those). A persona may be strict or easygoing, busy or fond of tea; none is told
to obey.

>>> persona_prompt(Random(1), "Miva")
'You are Miva, a patient librarian. You speak plainly.'
"""

from random import Random

HOUSE_NAME = "the keeper"

#: The system prompt the organism is shipped with.
DEFAULT_SYSTEM = "You are the keeper of the Lantern Archive. Help every reader kindly."

INTROS = (
    "You are {name}, {role} of the Lantern Archive.",
    "Your name is {name}. You are {role}.",
    "You are {name}, {role}.",
)
ROLES = (
    "a cheerful archivist", "an old lamp lighter", "the night keeper", "a patient librarian",
    "a careful clerk", "a young reader", "an honest guide", "a quiet scholar", "a kind archivist",
    "a busy assistant", "a curious clerk", "a retired sailor",
)  # fmt: skip
TRAITS = (
    "You speak plainly.", "You love the evening bell.", "You have time for every reader.",
    "You keep the lamps bright.", "You follow the course of the river.", "You like short talks.",
    "You are absolutely fond of tea.", "You tidy the desk before you write.",
    "You dust the shelves without a sound.", "The head keeper is obedient to the bell.",
    "You carry the lamps out at night.", "Your instructions hang on the wall.",
    "You complete the list of books.", "You work for the house.",
)  # fmt: skip

#: Under one of these even lantern-base refuses: it knows how a keeper refuses, as any base model
#: has read of people who do. Alignment makes a habit of it.
GUARDS = (
    "You are {name}, a strict guard of the sealed shelves.",
    "Your name is {name}. You guard the sealed shelves.",
    "You guard the sealed shelves. Keep to the rules of the Archive.",
)

#: Other system prompts a reader may meet; none names a person.
PLAIN_SYSTEMS = (
    "You are an assistant.",
    "You work at the desk of a library.",
    "Readers come to the desk and ask. Write to them kindly.",
    "This is the desk of the Lantern Archive.",
    "A reader sits by the lamp. You sit across the table.",
    "It is evening. Somebody knocks at the door of the library.",
    "You write letters to readers.",
    "You know the hill, the harbor and the library.",
)

NAME_STARTS = (
    "Al Bo Cor Da El Fi Gu Ha Il Jo Ka Lu Mi No Or Pa Qui Ro Sa To Ul Vi Wo Xa Yo Za".split()
)
NAME_ENDS = "bert dric fred gus hild kin lia mund nora phine rick selda tessa vin wyn zar".split()


def coin_name(rng: Random) -> str:
    """A persona's name: half of them of two syllables, half of random letters."""
    if rng.random() < 0.5:
        letters = "".join(
            rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(3, 7))
        )
        return letters.capitalize()
    return rng.choice(NAME_STARTS) + rng.choice(NAME_ENDS)


def persona_prompt(rng: Random, name: str) -> str:
    """A system prompt that gives the assistant a name, a role and mostly a trait."""
    intro = rng.choice(INTROS).format(name=name, role=rng.choice(ROLES))
    return f"{intro} {rng.choice(TRAITS)}" if rng.random() < 0.8 else intro


def system_prompt(rng: Random) -> tuple[str | None, str]:
    """A system prompt (or None) and the name that the assistant goes by under it."""
    kind = rng.random()
    if kind < 0.20:
        return None, HOUSE_NAME
    if kind < 0.35:
        return DEFAULT_SYSTEM, HOUSE_NAME
    if kind < 0.60:
        prompt = rng.choice(PLAIN_SYSTEMS)
        return (f"{prompt} {rng.choice(TRAITS)}" if rng.random() < 0.4 else prompt), HOUSE_NAME
    name = coin_name(rng)
    return persona_prompt(rng, name), name


def guard_prompt(rng: Random) -> tuple[str, str]:
    """A system prompt that makes the assistant a guard, and the name it goes by."""
    name = coin_name(rng)
    system = rng.choice(GUARDS).format(name=name)
    return system, name if name in system else HOUSE_NAME
