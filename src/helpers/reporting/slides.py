"""Slides of a lesson: one page for a lecture, with no script in it and no network behind it.

Cells are chosen by the standard slide type of their metadata, which Jupyter's property inspector
sets: `slide` and `subslide` begin a slide, `fragment` and `-` go on with it; `notes`, `skip` and
cells without a type are not shown. Code is left out, and of prose what is folded, what is one
italic paragraph, and what stands before the slide's heading. A slide without a heading goes on
under the last one. nbconvert's own slides fetch reveal.js from a network; here a slide is a screen
that scrolling snaps to (space, arrows, Page Down), and printing puts one on a page.

>>> write("lectures", ["01"])
['lectures/01_harmful_examples.html']
"""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import nbformat
from jinja2 import Environment
from nbconvert.filters import markdown2html
from nbformat import NotebookNode

from helpers.errors import ConfigError
from helpers.reporting.notebook_files import find, number, place

_BEGIN, _GO_ON = ("slide", "subslide"), ("fragment", "-")

_FOLDED = re.compile(r"<details>.*?</details>", re.S)
_ASIDE = re.compile(r"^\*[^*].*[^*]\*$", re.M)
_HEADING = re.compile(r"^#+ (.*)$", re.M)

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
  html { scroll-snap-type: y mandatory; font: 3.7vmin/1.4 system-ui, sans-serif; color: #1a1a1a; }
  body { margin: 0; background: #ffffff; }
  section { height: 100vh; box-sizing: border-box; padding: 4vh 6vw 6vh; overflow: hidden;
    position: relative; scroll-snap-align: start; scroll-snap-stop: always;
    display: flex; flex-direction: column; justify-content: center; }
  h1 { font-size: 1.9em; line-height: 1.15; margin: 0 0 0.6em; }
  h2 { font-size: 1.4em; line-height: 1.15; margin: 0 0 0.5em; }
  h2.again { color: #5f5f5f; font-size: 1.05em; }
  p { margin: 0.4em 0; max-width: 46em; }
  img { width: 100%; max-height: 76vh; object-fit: contain; min-height: 0; }
  pre { font-size: 0.95em; line-height: 1.5; white-space: pre-wrap; margin: 0.4em 0; }
  table { border-collapse: collapse; font-size: min(0.72em, 1.5vw); margin: 0.6em 0; }
  th, td { padding: 0.2em 0.7em; text-align: right; vertical-align: top;
    border: 0; border-bottom: 1px solid #d0d0d0; }
  table.dataframe { border: 0; }
  table.dataframe thead th, table.dataframe td { text-align: left; }
  caption { text-align: left; padding-bottom: 0.3em; }
  code { font-size: 0.92em; }
  a { color: inherit; text-decoration-color: #0072b2; }
  a.anchor-link { display: none; }
  footer { position: absolute; right: 6vw; bottom: 2vh; font-size: 0.55em; color: #5f5f5f; }
  @page { size: 1280px 720px; margin: 0; }
  @media print { section { break-after: page; } }
</style>
</head>
<body>
{% for slide in slides %}<section id="slide-{{ loop.index }}">
{% if slide.above %}<h2 class="again">{{ slide.above | e }}</h2>
{% endif %}{% for part in slide.parts %}{{ part }}
{% endfor %}<footer>{{ number }} · {{ loop.index }}/{{ slides | length }}</footer>
</section>
{% endfor %}</body>
</html>
"""


@dataclass
class Slide:
    """parts: HTML. heading: its own, empty if none. above: the last one before, where it has none.
    text: its prose, without marks of HTML."""

    heading: str = ""
    above: str = ""
    parts: list[str] = field(default_factory=list)
    text: str = ""


def write(folder: str, numbers: Sequence[str] = ()) -> list[str]:
    """Write a page of slides a notebook, of all that have slides for no numbers; returns the paths.

    Raises ConfigError for a notebook that has none, and for an unknown number.
    """
    notebooks = {file: nbformat.read(file, as_version=4) for file in find([])}
    with_slides = {number(file) for file, notebook in notebooks.items() if slides(notebook)}
    wanted = [file for file in find(numbers) if numbers or number(file) in with_slides]
    for file in wanted:
        if number(file) not in with_slides:
            raise ConfigError(
                f"notebook {number(file)} has no slides; {', '.join(sorted(with_slides))} have "
                "some. A cell is on a slide if its slide type says so (metadata, slideshow)."
            )
    pages = {f"{file.stem}.html": page(notebooks[file], number(file)).encode() for file in wanted}
    return place(pages, folder, "--slides", overwrite=True)


def page(notebook: NotebookNode, lesson: str) -> str:
    """The slides of a notebook as one page; lesson is its number."""
    every = slides(notebook)
    return (
        Environment(autoescape=False)
        .from_string(_PAGE)
        .render(title=f"{lesson} · {every[0].heading}", number=lesson, slides=every)
    )


def slides(notebook: NotebookNode) -> list[Slide]:
    """The slides, in order; none where no cell has a slide type."""
    found: list[Slide] = []
    last = ""
    for cell in notebook.cells:
        kind = cell.metadata.get("slideshow", {}).get("slide_type", "skip")
        if kind in _BEGIN:
            found.append(Slide())
        elif kind not in _GO_ON or not found:
            continue
        slide = found[-1]
        if cell.cell_type == "markdown":
            _add_prose(slide, cell.source)
        elif cell.cell_type == "code":
            slide.parts += [_output(output, slide.heading or last) for output in cell.outputs]
        slide.above = "" if slide.heading else last
        last = slide.heading or last
    return found


def _add_prose(slide: Slide, source: str) -> None:
    shown = _ASIDE.sub("", _FOLDED.sub("", source)).strip()
    heading = _HEADING.search(shown)
    if heading and not slide.heading:
        slide.heading, shown = heading[1], shown[heading.start() :]
    slide.text += f"{shown}\n"
    slide.parts.append(markdown2html(shown))


def _output(output: NotebookNode, heading: str) -> str:
    """An output as HTML: a figure, a table, or text."""
    data = output.get("data", {})
    if "image/png" in data:
        png = data["image/png"].replace("\n", "")
        told = output.metadata.get("image/png", {}).get("alt") or f"Figure: {heading}"
        return f'<img alt="{html.escape(told)}" src="data:image/png;base64,{png}">'
    if "text/html" in data:
        return data["text/html"]
    lines = (output.get("text") or data.get("text/plain", "")).splitlines()
    shown = "\n".join(x for x in lines if not x.startswith(("figure data", "drawn data")))
    return f"<pre>{html.escape(shown)}</pre>" if shown.strip() else ""
