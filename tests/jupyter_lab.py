"""`aligndrift lab` as tests start it: on a free port, all that is Jupyter's own in one folder."""

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Lab:
    """A server that runs: its address with a slash at the end, its token, its process."""

    url: str
    token: str
    process: subprocess.Popen
    jupyter: Path

    def address(self, notebook):
        """Where a notebook is opened, in a workspace of its own."""
        workspace = notebook.replace("/", "-").removesuffix(".ipynb")
        return f"{self.url}lab/workspaces/{workspace}/tree/{notebook}?token={self.token}"


@contextlib.contextmanager
def started(project, *arguments):
    """A Lab whose project folder this is; it is ended at the end, if it has not ended by then."""
    jupyter = project / ".jupyter"
    own = {"JUPYTER_RUNTIME_DIR": "runtime", "JUPYTER_CONFIG_DIR": "config",
           "JUPYTER_DATA_DIR": "data", "IPYTHONDIR": "ipython"}  # fmt: skip
    root = ["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
    with open(project / "lab.log", "w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "helpers.cli.main", "lab", "--no-browser", *root, *arguments],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=project,
            env={name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
            | {"ALIGNDRIFT_HOME": str(project)}
            | {name: str(jupyter / folder) for name, folder in own.items()},
        )  # fmt: skip
    try:
        until = time.monotonic() + 120
        while (lab := _answering(jupyter / "runtime", process)) is None:
            assert process.poll() is None, (project / "lab.log").read_text()
            assert time.monotonic() < until, "JupyterLab does not start"
            time.sleep(0.1)
        yield lab
    finally:
        process.terminate()
        process.wait(30)


def _answering(runtime, process):
    """The server once it answers; what it says of itself it writes down a moment before."""
    with contextlib.suppress(StopIteration, ValueError, OSError):
        server = json.loads(next(runtime.glob("jpserver-*.json")).read_text())
        urllib.request.urlopen(f"{server['url']}api").close()
        return Lab(server["url"], server["token"], process, runtime.parent)
    return None
