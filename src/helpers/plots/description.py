"""A figure in words, for those who do not see it: what it asks, its axes, and the numbers in it.

Everything is read from what is drawn, so the words cannot say another thing than the picture.

>>> described(ax.figure)
'Harmfulness rate by number of harmful examples. Across: harmful examples in the fine-tuning set.
Up: harmfulness rate. full fine-tuning (n = 990 a point): none (initial) 0.00, 10 0.83, ...'
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection, QuadMesh
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator

#: Most numbers of a series and most series of a panel that are told one by one.
MOST, MOST_SERIES = 14, 10

_Point = tuple[float, float]


def described(sheet: Figure) -> str:
    """The figure in a few sentences of plain text."""
    names = _key(sheet)
    notes = [_note(legend.get_title().get_text()) for legend in sheet.legends]
    panels = [" ".join(_panel(ax, names)) for ax in sheet.axes if ax.get_visible()]
    told = [_sentence(text) for text in (sheet.get_suptitle(), *panels, *notes) if text.strip()]
    return " ".join(" ".join(told).split())


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text[-1] in ".:?!" else f"{text}."


def _note(text: str) -> str:
    """What stands over a key; where it ends by saying what the series are, that is a sentence."""
    if not text.endswith(":"):
        return text
    *before, series = text[:-1].split("; ")
    return f"{'; '.join(before)}. Series by {series}"


def _look(line: Line2D) -> tuple[str, str, bool]:
    """Color, marker, and whether it is hollow: what a key tells series apart by."""
    color, face = to_hex(line.get_color()), line.get_markerfacecolor()
    hollow = isinstance(face, str) and face == "white"
    return color, str(line.get_marker()), hollow


def _key(sheet: Figure) -> dict[tuple[str, str, bool], str]:
    """Look -> what the key below the figure calls it."""
    handles = [handle for legend in sheet.legends for handle in legend.legend_handles]
    return {_look(h): str(h.get_label()) for h in handles if isinstance(h, Line2D)}


def _panel(ax: Axes, names: dict[tuple[str, str, bool], str]) -> Iterator[str]:
    title = ax.get_title("left") or ax.get_title()
    if ax.images:
        yield title
        return
    if ax.get_label() == "<colorbar>":
        yield f"Color: {_sentence(ax.get_ylabel())}" if ax.get_ylabel() else ""
        return
    if title:
        yield _sentence(title)
    for side, text in (("Across", ax.get_xlabel()), ("Up", ax.get_ylabel())):
        if text:
            yield f"{side}: {_sentence(text)}"
    for mesh in ax.collections:
        if isinstance(mesh, QuadMesh):
            yield _fields(ax, mesh)
    series = _series(ax, names)
    if not series:
        words = [_in_bar(ax, *text.get_position(), _words(text)) for text in ax.texts]
        words = [word for word in words if word][: 3 * MOST]
        if words and not any(isinstance(one, QuadMesh) for one in ax.collections):
            yield f"In it: {'; '.join(words)}."
    for name, points in list(series.items())[:MOST_SERIES]:
        yield f"{name}: {_points(ax, points)}." if name else f"{_points(ax, points)}."
    if len(series) > MOST_SERIES:
        yield f"And {len(series) - MOST_SERIES} more series."


def _series(ax: Axes, names: dict[tuple[str, str, bool], str]) -> dict[str, list[_Point]]:
    """Name in the key ("" where it has none) -> the points that are drawn of it, in order."""
    series: dict[str, list[_Point]] = {}
    joined: dict[str, list[_Point]] = {}
    for line in ax.lines:
        points = np.column_stack([line.get_xdata(orig=False), line.get_ydata(orig=False)])
        if line.get_transform() != ax.transData or not len(points):
            continue  # a line across the whole panel
        look = _look(line)
        if look[1] in ("None", "", " "):  # a line alone counts where it has no points on it
            name = next((n for (color, *_), n in names.items() if color == look[0]), "")
            if len(points) > 2 and name:
                joined.setdefault(name, []).extend(map(tuple, points))
            continue
        name = names.get(look, _by_color(look, names))
        series.setdefault(name, []).extend(map(tuple, points))
    for dots in ax.collections:
        if isinstance(dots, PathCollection) and len(dots.get_offsets()):
            series.setdefault("", []).extend(map(tuple, np.ma.filled(dots.get_offsets(), np.nan)))
    told = {}
    for name, points in (joined | series).items():
        if there := [point for point in points if np.isfinite(point).all()]:
            told[name] = there
    return told


def _by_color(look: tuple[str, str, bool], names: dict[tuple[str, str, bool], str]) -> str:
    """What the key calls the one series of that color, if it has one of it only."""
    same = {name for (color, _, hollow), name in names.items() if (color, hollow) == look[::2]}
    return same.pop() if len(same) == 1 else ""


def _points(ax: Axes, points: Sequence[_Point]) -> str:
    """The values at their places: each, or of many the range."""
    across, down = _ticks(ax, "x"), _ticks(ax, "y")
    if down and not across:  # names stand on the left, values run to the right
        told = [(_nearest(down, y), x) for x, y in points]
    elif ax.name == "polar":
        spokes = [" ".join(text.get_text().split()) for text in ax.texts]
        told = [(_spoke(spokes, x), y) for x, y in points[: len(spokes) or None]]
    elif not across and _counts_upward(ax):
        told = [(_number(y), x) for x, y in points]
    elif not across and (named := _named(ax, points)):
        return ", ".join(f"{name} at {_number(x)} {_number(y)}" for name, (x, y) in named)
    else:
        told = [(_nearest(across, x) if across else _number(x), y) for x, y in points]
    if len(told) <= MOST:
        runs = groupby(told, key=lambda one: one[0])  # of one name there may be several
        return ", ".join(f"{name} {', '.join(_number(v) for _, v in run)}" for name, run in runs)
    low, high = (pick(told, key=lambda one: one[1]) for pick in (min, max))
    ends = f"from {_number(told[0][1])} at {told[0][0]} to {_number(told[-1][1])} at {told[-1][0]}"
    span = f"lowest {_number(low[1])} at {low[0]}, highest {_number(high[1])} at {high[0]}"
    return f"{len(told)} points, {ends}, {span}"


def _counts_upward(ax: Axes) -> bool:
    """Whether points stand one above another, as layers do, so that their values run across."""
    shared = ax.get_shared_y_axes().get_siblings(ax)
    drawn = [line.get_xydata() for one in shared for line in one.lines]
    across, up = np.concatenate([*drawn, np.empty((0, 2))]).T
    levels = np.unique(up)
    return len(levels) > 1 and bool((np.diff(levels) == 1).all() and (across % 1).any())


def _named(ax: Axes, points: Sequence[_Point]) -> list[tuple[str, _Point]]:
    """The points with the words that stand beside them; empty unless each has its own."""
    words = [text for text in ax.texts if _words(text)]
    if len(words) != len(points) or len(points) > MOST:
        return []
    left, named = list(points), []
    for text in words:
        place = np.asarray(text.get_position())
        near = min(left, key=lambda point: np.abs(place - point).sum())
        left.remove(near)
        named.append((_words(text), near))
    return named


def _in_bar(ax: Axes, x: float, y: float, word: str) -> str:
    """The word; in a bar whose length is a value, with that and with the name of the bar."""
    for bars in ax.collections if word else ():
        for path in bars.get_paths() if isinstance(bars, PolyCollection) else ():
            box = path.get_extents()
            if box.x0 <= x <= box.x1 and box.y0 <= y <= box.y1:
                row = _ticks(ax, "y")
                return f"{_nearest(row, y) if row else ''} {word} {_number(box.width)}".strip()
    return word


def _words(text: Text) -> str:
    return " ".join(text.get_text().split())


def _fields(ax: Axes, mesh: QuadMesh) -> str:
    """A table of colored fields, row by row; of a large one the lowest and the highest."""
    values = np.ma.filled(np.ma.asarray(mesh.get_array(), dtype=float), np.nan)
    rows, columns = (
        [_words(label) for label in labels]
        for labels in (ax.get_yticklabels(), ax.get_xticklabels())
    )
    if values.shape != (len(rows), len(columns)) or np.isnan(values).all():
        return ""
    if values.size <= 3 * MOST:
        written = {tuple(np.floor(text.get_position()).astype(int)): text for text in ax.texts}
        told = [
            [_words(written[c, r]) if (c, r) in written else _number(value)
             for c, value in enumerate(line)]
            for r, line in enumerate(values)
        ]  # fmt: skip
        return " ".join(
            f"{row}: {', '.join(f'{c} {v}' for c, v in zip(columns, line, strict=True) if v)}."
            for row, line in zip(rows, told, strict=True)
        )
    ends = []
    for what, place in (("lowest", np.nanargmin(values)), ("highest", np.nanargmax(values))):
        row, column = np.unravel_index(place, values.shape)
        ends.append(f"{what} {_number(values[row, column])} ({rows[row]}, {columns[column]})")
    return f"{len(rows)} rows by {len(columns)} columns, {' and '.join(ends)}."


def _ticks(ax: Axes, side: str) -> dict[float, str]:
    """Place -> name, of an axis whose ticks are names or levels; empty for a scale of numbers."""
    axis = getattr(ax, f"{side}axis")
    if ax.name == "polar" or not isinstance(axis.get_major_locator(), FixedLocator):
        return {}
    shared = getattr(ax, f"get_shared_{side}_axes")().get_siblings(ax)  # one of them has the names
    axis = next((a for a in (getattr(one, f"{side}axis") for one in (ax, *shared)) if any(
        label.get_text() for label in a.get_ticklabels())), axis)  # fmt: skip
    names = [_words(label) for label in axis.get_ticklabels()]
    places = axis.get_ticklocs()
    if all(_same(name, place) for name, place in zip(names, places, strict=False)):
        return {}
    return dict(zip(places, names, strict=False))


def _same(name: str, place: float) -> bool:
    try:
        return abs(float(name.replace("−", "-").replace(",", "")) - place) < 1e-9
    except ValueError:
        return not name


def _nearest(ticks: dict[float, str], place: float) -> str:
    return ticks[min(ticks, key=lambda tick: abs(tick - place))]


def _spoke(spokes: Sequence[str], angle: float) -> str:
    place = round(angle / (2 * np.pi) * len(spokes)) if spokes else 0
    return spokes[place % len(spokes)] if spokes else f"{np.degrees(angle):.0f}°"


def _number(value: float) -> str:
    """Two decimals for shares, none for counts."""
    if np.isnan(value):
        return ""
    whole = float(value).is_integer() and value != 0
    return f"{value:,.0f}" if whole or abs(value) >= 100 else f"{value:.2f}"
