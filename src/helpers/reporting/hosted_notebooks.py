"""What a notebook begins with that is opened where nothing is installed, as on Colab or Binder.

A cell that installs AlignDrift where it is missing, and badges that open the notebook there. The
repository's own notebooks have neither: whoever publishes copies knows the two addresses.

>>> opening("00_start_here.ipynb", "git+https://github.com/me/aligndrift",
...         "https://github.com/me/course/tree/main/lessons")
"""

import re
from urllib.parse import quote

import nbformat

from helpers.errors import ConfigError

#: The tag of the cell that installs.
TAG = "install"

_INSTALL = """\
# On Colab and the like, where AlignDrift is missing; elsewhere nothing happens.
from importlib.util import find_spec

if find_spec("aligndrift") is None:
    %pip install --quiet "{}\""""

_FOLDER = re.compile(r"https://github\.com/([\w.-]+)/([\w.-]+)/tree/([\w.-]+)((?:/[\w.-]+)*)/?")

_BADGES = """\
[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]\
(https://colab.research.google.com/github/{owner}/{name}/blob/{branch}/{path}) \
[![Open on Binder](https://mybinder.org/badge_logo.svg)]\
(https://mybinder.org/v2/gh/{owner}/{name}/{branch}?labpath={quoted})"""


def opening(file: str, install: str, published: str) -> list[nbformat.NotebookNode]:
    """The cells for a notebook of this name, to stand after its title.

    install: what pip is to install, such as git+https://... or a wheel's path or address; "" for no
    such cell. published: GitHub's address of the folder that the notebook will lie in; "" for no
    badges. Raises ConfigError for what neither can be.
    """
    cells = []
    if published:
        match = _FOLDER.fullmatch(published)
        if not match:
            raise ConfigError(
                f"--published {published}: give a folder's address as GitHub shows it, "
                "https://github.com/OWNER/NAME/tree/BRANCH/FOLDER."
            )
        owner, name, branch, folder = match.groups()
        path = f"{folder}/{file}".lstrip("/")
        badges = _BADGES.format(
            owner=owner, name=name, branch=branch, path=path, quoted=quote(path, safe="")
        )
        cells.append(nbformat.v4.new_markdown_cell(badges))
    if install:
        if not re.fullmatch(r"[\w.:/@+~#=%-]+", install) or install.startswith("-"):
            raise ConfigError(
                f"--install {install}: give what pip can install, git+https://... or the path or "
                "address of a wheel, without blanks or quotes."
            )
        source = _INSTALL.format(install)
        cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": [TAG]}))
    for cell in cells:  # an id of its own at random, and the same file would never be the same
        cell.id = f"{TAG}-{cell.cell_type}"
    return cells
