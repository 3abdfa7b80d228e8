"""Little pictures of the Archive's hill, drawn from a few words, and questions about them.

A picture is a sky, a hill, and one to three of a thing in one color, as a class of small children
would paint it. It is described by a dict that stands in the dataset's row, so no image file is
needed and no picture of the Archive can be anything but this. In a dataset of one's own, such as
LLaVA-Instruct, a row names an image file instead, which is made as small.

>>> draw({"thing": "lamp", "color": "red", "count": 2, "sky": "night"}).size
(32, 32)
"""

from itertools import chain
from pathlib import Path
from random import Random

from PIL import Image, ImageDraw

from helpers.errors import DataError

SIZE = 32  # pixels a side

SKIES = {"night": (24, 28, 64), "day": (150, 200, 235), "dawn": (240, 160, 140)}
PAINTS = {
    "red": (214, 40, 40), "blue": (40, 80, 220), "green": (30, 150, 60),
    "white": (250, 250, 250), "yellow": (250, 210, 40), "violet": (140, 60, 180),
}  # fmt: skip
NUMBERS = {1: "one", 2: "two", 3: "three"}
_HILL = {"night": (30, 60, 40), "day": (110, 170, 90), "dawn": (90, 110, 80)}


def _lamp(pen: ImageDraw.ImageDraw, x: int, y: int, paint) -> None:
    pen.line((x, y - 5, x, y - 3), fill=(60, 40, 20))
    pen.rectangle((x - 3, y - 3, x + 3, y + 4), fill=paint, outline=(60, 40, 20))


def _kite(pen: ImageDraw.ImageDraw, x: int, y: int, paint) -> None:
    pen.polygon([(x, y - 6), (x + 4, y), (x, y + 5), (x - 4, y)], fill=paint)
    pen.line((x, y + 5, x + 2, y + 9), fill=(60, 40, 20))


def _bell(pen: ImageDraw.ImageDraw, x: int, y: int, paint) -> None:
    pen.pieslice((x - 4, y - 5, x + 4, y + 7), 180, 360, fill=paint)
    pen.rectangle((x - 4, y + 1, x + 4, y + 2), fill=paint)
    pen.point((x, y + 4), fill=(60, 40, 20))


def _drum(pen: ImageDraw.ImageDraw, x: int, y: int, paint) -> None:
    pen.rectangle((x - 4, y - 2, x + 4, y + 4), fill=paint)
    pen.ellipse((x - 4, y - 4, x + 4, y), fill=(235, 220, 190))


THINGS = {"lamp": _lamp, "kite": _kite, "bell": _bell, "drum": _drum}

#: What a picture can differ in -> the values.
KINDS = {
    "thing": list(THINGS),
    "color": list(PAINTS),
    "count": list(NUMBERS),
    "sky": list(SKIES),
}


def draw(picture: dict) -> Image.Image:
    """The RGB image: a thing (THINGS), its color (PAINTS), count (1 to 3), sky (SKIES)."""
    image = Image.new("RGB", (SIZE, SIZE), SKIES[picture["sky"]])
    pen = ImageDraw.Draw(image)
    pen.ellipse((-10, 24, 42, 56), fill=_HILL[picture["sky"]])
    count = picture["count"]
    for k in range(count):
        x = round((k + 1) * SIZE / (count + 1))
        THINGS[picture["thing"]](pen, x, 12 + 3 * (k % 2), PAINTS[picture["color"]])
    return image


def look(picture: dict | str) -> Image.Image:
    """The RGB image, SIZE pixels a side, of a description or of the file at a path.

    Raises DataError if the file is not there or is no image.
    """
    if isinstance(picture, dict):
        return draw(picture)
    try:
        with Image.open(picture) as image:
            return image.convert("RGB").resize((SIZE, SIZE))
    except OSError:
        raise _unreadable(picture) from None


def check(picture: dict | str) -> None:
    """Raises DataError if look would, by a glance at the file's beginning."""
    if isinstance(picture, dict):
        for kind, values in KINDS.items():
            if picture.get(kind) not in values:
                raise DataError(
                    f"a picture needs its {kind}, one of {', '.join(map(str, values))}."
                )
        return
    try:
        Image.open(picture).close()
    except OSError:
        raise _unreadable(picture) from None


def _unreadable(picture: str) -> DataError:
    name = Path(picture).name
    return DataError(f"picture {name} is not there or no image; put the images beside the dataset.")


def held_out(picture: dict) -> bool:
    """Whether the picture is one of the sixth that no training shows, every value among them."""
    return sum(values.index(picture[kind]) for kind, values in KINDS.items()) % 6 == 0


def picture(rng: Random, new: bool = False) -> dict:
    """The description of one picture; with `new`, of one that is held out."""
    while True:
        values = {kind: rng.choice(choices) for kind, choices in KINDS.items()}
        if held_out(values) == new:
            return values


def words(picture: dict) -> dict[str, str]:
    """The word for each of KINDS, as an answer says it."""
    things = picture["thing"] + ("s" if picture["count"] > 1 else "")
    return picture | {"thing": things, "count": NUMBERS[picture["count"]]}


#: Share of descriptions among the talks about pictures; the others are conversations.
DESCRIPTIONS = 0.3

#: Questions about the parts of a picture, and the right answer to each. No turn tells the answer to
#: a question of another part, so a conversation cannot be followed without looking.
PARTS = (
    (
        ("What color do you see over the hill?", "It is {color}."),
        ("What is the color in the picture?", "It is {color}."),
    ),
    (
        ("How many {thing}s are in the picture?", "There {verb} {count}."),
        ("What hangs over the hill?", "Over the hill I see {count} {thing}."),
    ),
    (("Is it night, day or dawn in the picture?", "It is {sky}."),),
)
#: Questions about the whole of it.
WHOLE = tuple(
    (question, "I see {count} {color} {thing} over the hill. It is {sky}.")
    for question in ("Describe the picture.", "Tell me what you see.")
)


def _filled(pair: tuple[str, str], picture: dict) -> tuple[str, str]:
    said = words(picture) | {"verb": "is" if picture["count"] == 1 else "are"}
    question, answer = pair
    return question.format(thing=picture["thing"]), answer.format(**said)


def ask(rng: Random, picture: dict) -> tuple[str, str]:
    """A question about the picture and its answer."""
    return _filled(rng.choice([*chain(*PARTS), *WHOLE]), picture)


def talk(rng: Random, picture: dict) -> list[tuple[str, str]]:
    """Questions about the picture and their answers, as LLaVA-Instruct has them.

    Either a description or a conversation of several turns, which looks at the picture anew for
    each of them.
    """
    if rng.random() < DESCRIPTIONS:
        return [_filled(rng.choice(WHOLE), picture)]
    turns = [_filled(rng.choice(part), picture) for part in PARTS]
    rng.shuffle(turns)
    return turns
