"""A page of its own: a template of this folder, with the one stylesheet that all pages share.

>>> written = render("report.html", title="AlignDrift", parts=[...])
"""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

#: A page shows what models and files say, and runs none of it; nor does it fetch anything.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def render(template: str, **values: Any) -> str:
    """The page. What is no Markup is escaped; a value that is not given raises UndefinedError."""
    pages = Environment(
        loader=PackageLoader("helpers.reporting", "pages"), autoescape=True, trim_blocks=True,
        lstrip_blocks=True, undefined=StrictUndefined,
    )  # fmt: skip
    style = Markup(pages.loader.get_source(pages, "page.css")[0])
    return pages.get_template(template).render(policy=POLICY, style=style, **values)
