"""An executed notebook as a part of a page: its words, its results, its code folded away."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import nbformat
from markupsafe import Markup
from nbconvert.filters import markdown2html, strip_ansi
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from helpers.reporting.pages import pictures
from helpers.reporting.pages.safe_html import fit
from helpers.text import whole

_WIDGET = "application/vnd.jupyter.widget-view+json"

#: Controls that no page shows; new lines and tabs stay.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

_CODE = HtmlFormatter(nowrap=True)


@dataclass
class Part:
    """A notebook in the page. id: its file's name without ending. sections: (id, title).

    stopped: the error that it ended with.
    """

    id: str
    title: str
    sections: list[tuple[str, str]] = field(default_factory=list)
    blocks: list[Markup] = field(default_factory=list)
    stopped: str = ""
    ids: set[str] = field(default_factory=set)


def part(name: str, notebook: nbformat.NotebookNode, notebooks: Collection[str]) -> Part:
    """The notebook of a file of that name (without ending) in a page that has these notebooks."""
    made, silent = Part(name, name), []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            made.blocks += [_code(silent)] if silent else []
            silent = []
            _words(made, cell.source, notebooks)
        elif cell.cell_type == "code":
            silent.append(cell)
            if shown := [block for out in cell.outputs for block in _output(made, out, notebooks)]:
                made.blocks += [_code(silent), *shown]
                silent = []
    made.blocks += [_code(silent)] if silent else []
    return made


def _words(made: Part, source: str, notebooks: Collection[str]) -> None:
    soup = fit(markdown2html(whole(source)), notebooks)
    for heading in soup.find_all(re.compile("h[2-6]")):
        title = heading.get_text(" ", strip=True)
        if heading.name == "h2" and made.title == made.id:
            made.title = title
            heading.decompose()  # the page sets it
            continue
        if heading.name == "h2":
            heading.name = "h3"
        heading["id"] = _place(made, title)
        if heading.name == "h3":
            made.sections.append((heading["id"], title))
    made.blocks.append(Markup('<div class="words">{}</div>').format(Markup(soup)))


def _place(made: Part, title: str) -> str:
    """An id that the page has once: the notebook's number, the title's words, and a turn."""
    words = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:48]
    own = f"{made.id.split('_')[0]}-{words or 'section'}"
    own = own if own not in made.ids else f"{own}-{len(made.ids)}"
    made.ids.add(own)
    return own


def _code(cells: list[nbformat.NotebookNode]) -> Markup:
    """Cells that show nothing between them, in one fold."""
    sources = [whole(cell.source).rstrip("\n") for cell in cells]
    lines = sum(source.count("\n") + 1 for source in sources)
    tagged = any("parameters" in cell.metadata.get("tags", ()) for cell in cells)
    shown = Markup("\n\n").join(Markup(highlight(source, PythonLexer(), _CODE)) for source in sources)
    return Markup(
        '<details class="source"><summary>{}, {} line{}</summary>'
        '<pre class="highlight">{}</pre></details>'
    ).format("parameters and code" if tagged else "code", lines, "" if lines == 1 else "s", shown)  # fmt: skip


def _output(made: Part, output: Any, notebooks: Collection[str]) -> list[Markup]:
    if output.output_type == "stream":
        if output.name == "stderr":
            return [Markup('<details class="source"><summary>messages</summary>{}</details>').format(
                _text(output.text))]  # fmt: skip
        return [_text(output.text)]
    if output.output_type == "error":
        made.stopped = strip_ansi(f"{output.ename}: {output.evalue}").split("\n")[0]
        return [_text("\n".join(output.traceback), "stopped")]
    return [_shown(made, output.get("data", {}), output.get("metadata", {}), notebooks)]


def _shown(
    made: Part, data: dict[str, Any], metadata: dict[str, Any], notebooks: Collection[str]
) -> Markup:  # fmt: skip
    """The richest of a result's forms that a page without a kernel can show."""
    if "text/html" in data:
        inner = Markup(fit(whole(str(data["text/html"])), notebooks))
        return Markup('<div class="result">{}</div>').format(inner)
    if "image/png" in data:
        place = made.sections[-1][1] if made.sections else made.title
        return pictures.of_output(data, metadata, place)
    if "text/markdown" in data:
        inner = Markup(fit(markdown2html(whole(str(data["text/markdown"]))), notebooks))
        return Markup('<div class="result">{}</div>').format(inner)
    if _WIDGET in data:
        return Markup('<p class="quiet">(Here is a widget, which the notebook shows.)</p>')
    return _text(str(data.get("text/plain", "")))


def _text(text: str, kind: str = "printed") -> Markup:
    """What was printed, without the codes that a terminal takes."""
    shown = _CONTROL.sub("\ufffd", strip_ansi(whole(text)).replace("\r\n", "\n")).rstrip("\n")
    return Markup('<pre class="{}">{}</pre>').format(kind, shown) if shown else Markup()
