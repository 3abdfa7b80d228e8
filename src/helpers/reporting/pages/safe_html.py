"""HTML that others wrote, made fit for one page: nothing in it acts, and nothing leads nowhere.

What is kept is listed: tags, attributes, properties of styles. Ids go, since a page has each once;
a link to a notebook becomes one to its place in the page, or plain text where it is not there. A
table scrolls inside a box of its own, and its numbers stand to the right.
"""

import re
from collections.abc import Collection
from urllib.parse import unquote

from bs4 import BeautifulSoup, NavigableString, Tag
from bs4.element import PreformattedString
from matplotlib import colors

#: What is kept, with attributes beside title.
_TAGS: dict[str, tuple[str, ...]] = dict.fromkeys(
    "abbr b blockquote br caption code dd del details div dl dt em figcaption figure h1 h2 h3 h4 h5 "
    "h6 hr i kbd li mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot "
    "th thead tr u ul".split(),
    (),
) | {
    "a": ("href",), "img": ("src", "alt", "width", "height"), "td": ("colspan", "rowspan"),
    "th": ("colspan", "rowspan", "scope"), "ol": ("start",), "details": ("open",),
}  # fmt: skip

#: What goes with all that is in it; of other tags that are not kept the content stays.
_GONE = set(
    "script style iframe object embed template noscript noembed noframes svg math head title "
    "textarea select input button audio video canvas plaintext xmp".split()
)

#: Properties that an element's own style may set; a color is looked at apart.
_PROPERTIES = re.compile(
    r"(text-align|white-space|display|gap|flex(-\w+)?|align-items|justify-content|width|height|"
    r"(min|max)-(width|height)|font-(weight|style|size|family)|line-height|vertical-align|"
    r"(margin|padding|border)(-\w+)*|overflow(-\w+)?|opacity|list-style)"
)
_VALUE = re.compile(r"[\w\s#%.,()+/-]*")

#: Classes of pygments: k, nn, s2.
_CLASS = re.compile(r"highlight|[a-z][a-z0-9]{0,2}")

_NOTEBOOK = re.compile(r"(?:\./|notebooks/)?(\d\d[a-z]?_[\w-]+)\.ipynb(?:#.*)?")
_EXTERNAL = re.compile(r"(https?://|mailto:)", re.I)
_NUMBER = re.compile(r"[-+<>≤ ]*[\d,]*\.?\d+(e[-+]?\d+)?%?|–|-|nan|None|")


def fit(html: str, notebooks: Collection[str] = ()) -> BeautifulSoup:
    """The fragment, fit for a page on which these notebooks (file names without ending) are.

    Its headings are one step lower, since a page has one title.
    """
    soup = BeautifulSoup(html, "html.parser")
    _marked(soup)
    for anchor in soup.find_all("a", class_="anchor-link"):  # nbconvert's own, behind a heading
        anchor.decompose()
    for text in soup.find_all(string=lambda text: isinstance(text, PreformattedString)):
        text.extract()  # comments, doctypes
    for tag in soup.find_all(True):
        if tag.decomposed:
            continue
        if tag.name in _GONE:
            tag.decompose()
        elif tag.name not in _TAGS:
            tag.unwrap()
        else:
            _fit_tag(tag, notebooks)
    for table in soup.find_all("table"):
        _align(table)
        if not table.find_parent("table"):
            table.wrap(soup.new_tag("div", attrs={"class": "scroll"}))
    return soup


def _fit_tag(tag: Tag, notebooks: Collection[str]) -> None:
    mark, style = tag.attrs.pop("data-mark", ""), _style(str(tag.get("style", "")))
    classes = [name for name in tag.get("class", ()) if _CLASS.fullmatch(name)]
    kept = (*_TAGS[tag.name], "title")
    tag.attrs = {name: value for name, value in tag.attrs.items() if name in kept}
    if mark:
        style, classes = f"{style};--mark: {mark}".strip(";"), ["marked"]
    if style:
        tag["style"] = style
    if classes and tag.name in ("div", "span", "td"):
        tag["class"] = classes
    if re.fullmatch("h[1-5]", tag.name):
        tag.name = f"h{int(tag.name[1]) + 1}"
    elif tag.name == "a":
        _link(tag, notebooks)
    elif tag.name == "img":
        if not str(tag.get("src", "")).startswith("data:image/"):
            tag.replace_with(NavigableString(str(tag.get("alt", ""))))
        elif not tag.get("alt"):
            tag["alt"] = "A picture of the notebook, without a description."


def _link(tag: Tag, notebooks: Collection[str]) -> None:
    href = unquote(str(tag.get("href", ""))).strip()
    notebook = _NOTEBOOK.fullmatch(href)
    if notebook and notebook[1] in notebooks:
        tag["href"] = f"#{notebook[1]}"
    elif _EXTERNAL.match(href):
        tag["rel"] = "noreferrer"
    else:
        tag.unwrap()


def _declared(style: str) -> dict[str, str]:
    parts = (part.partition(":") for part in style.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in parts if value.strip()}


def _style(style: str) -> str:
    """What an element may say of itself; on a background of its own, its words can be read."""
    declared = _declared(style)
    kept = {
        name: value
        for name, value in declared.items()
        if _PROPERTIES.fullmatch(name) and _VALUE.fullmatch(value) and "url" not in value.lower()
    }
    behind = _color(declared.get("background-color") or declared.get("background", ""))
    if behind:
        kept |= {"background-color": colors.to_hex(behind), "color": _readable_on(behind)}
    return ";".join(f"{name}:{value}" for name, value in kept.items())


def _color(text: str) -> tuple[float, float, float] | None:
    """The color over white, as shares of red, green and blue; None for what is none."""
    rgb = re.fullmatch(r"rgba?\(([\d.,%\s/]+)\)", text.strip())
    try:
        if rgb:
            red, green, blue, *alpha = map(float, re.findall(r"[\d.]+", rgb[1]))
            parts = (red / 255, green / 255, blue / 255, *alpha[:1])
        else:
            parts = text.strip()
        *color, alpha = colors.to_rgba(parts)
    except (ValueError, TypeError):
        return None
    return None if alpha == 0 else tuple(1 - alpha * (1 - part) for part in color)


def _readable_on(color: tuple[float, float, float]) -> str:
    """Black or white, whichever contrasts more (WCAG's relative luminance)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#111111" if luminance > 0.18 else "#ffffff"


def _marked(soup: BeautifulSoup) -> None:
    """Colors that pandas' stylesheets give to cells become marks beside the words.

    Words in such a color could not be read on every background.
    """
    rule = re.compile(r"([^{}]+)\{([^{}]*)\}")
    for sheet in soup.find_all("style"):
        for selectors, body in rule.findall(sheet.get_text()):
            color = _color(_declared(body).get("color", ""))
            ids = re.findall(r"#([\w-]+)\s*(?:,|$)", selectors) if color else ()
            for tag in soup.find_all(id=list(ids)) if ids else ():
                tag["data-mark"] = colors.to_hex(color)


def _align(table: Tag) -> None:
    """Columns of numbers get the class `num`."""
    rows = [row.find_all(["td", "th"], recursive=False) for row in table.find_all("tr")]
    width = max(map(len, rows), default=0)
    whole = [row for row in rows if len(row) == width]
    for column in range(width):
        cells = [row[column] for row in whole]
        body = [cell for cell in cells if cell.name == "td"]
        texts = [cell.get_text().strip() for cell in body]
        if any(map(str.strip, texts)) and all(map(_NUMBER.fullmatch, texts)):
            for cell in cells:
                cell["class"] = [*cell.get("class", ()), "num"]
