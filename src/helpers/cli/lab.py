"""The command that opens JupyterLab on copies of the notebooks.

JupyterLab runs in this process: whatever ends the command ends the server, and a kernel ends itself
when its server is gone.
"""

import os
import socket
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from helpers import paths
from helpers.cli import interrupt
from helpers.cli.app import app
from helpers.errors import ConfigError

#: Where the copies lie in the project, unless somebody wants them elsewhere.
LESSONS = "lessons"

#: A folder of Jupyter's settings: no question about news lies over a lesson.
_SETTINGS = Path(__file__).with_name("jupyter")

#: What the command itself asks of JupyterLab; what is typed comes after it, and counts.
_OWN = (
    "--Application.log_level=ERROR",
    "--ServerApp.kernel_spec_manager_class=helpers.cli.kernels.OwnKernel",
)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(
    context: typer.Context,
    copy_to: Annotated[
        str | None, typer.Option(help="The folder of the copies; if open, the project's lessons/.")
    ] = None,
    student: Annotated[
        bool, typer.Option("--student", help="Copies without outputs and answers, to do oneself.")
    ] = False,
) -> None:
    """Open JupyterLab on copies of the notebooks, where outputs/ is seen, too. Ctrl-C ends it.

    What you change in a copy stays as it is; copies that nobody has changed follow what ships.
    With --student they are in lessons/student, without what one is to find out and write oneself.
    Presets are copied, too: edit one and name it in a notebook, preset = "presets/tiny.yaml".
    Other options are JupyterLab's, such as --port 8890, --no-browser, --ip or --allow-root.

    Example: `aligndrift lab --student --no-browser`
    """
    if find_spec("jupyterlab") is None:
        raise ConfigError(
            "JupyterLab is not installed beside this command; `pip install jupyterlab` brings it."
        )
    _check_port(context.args)
    root = paths.root().resolve()
    folder = _folder(copy_to or (f"{root / LESSONS}/student" if student else copy_to), root)
    first = not folder.exists()
    _copy(folder, student)
    _settle(root)
    print("starting JupyterLab, some seconds ...", file=sys.stderr, flush=True)
    shown = folder.relative_to(root).as_posix()
    opened = f"/lab/tree/{shown}/00_start_here.ipynb" if first else f"/lab/tree/{shown}"
    _serve([f"--ServerApp.root_dir={root}", f"--LabApp.default_url={opened}", *_OWN, *context.args])


def _serve(arguments: list[str]) -> None:
    """JupyterLab until somebody ends it."""
    from jupyter_core.application import NoStart
    from jupyterlab.labapp import LabApp

    stopped = threading.Event()
    server = LabApp.initialize_server(argv=arguments)

    def stop() -> None:
        stopped.set()
        server.stop(from_signal=True)

    interrupt.also("lab", stop)
    with suppress(NoStart):  # where an option asks for something else, such as --generate-config
        server.start()
    if stopped.is_set():
        raise KeyboardInterrupt


def _folder(copy_to: str | None, root: Path) -> Path:
    """The folder of the copies. Raises ConfigError where JupyterLab would not see it."""
    if copy_to is not None and not copy_to.strip():
        raise ConfigError("--copy-to needs the name of a folder.")
    folder = (paths.typed(copy_to) if copy_to else root / LESSONS).resolve()
    if folder == root or not folder.is_relative_to(root):
        raise ConfigError(
            f"--copy-to {copy_to}: name a folder inside {root}, which JupyterLab shows."
        )
    return folder


def _copy(folder: Path, student: bool) -> None:
    """Bring the copies up to date, and say what was done and what was left."""
    from helpers.reporting.working_copies import refresh

    place, done = paths.shown(folder), refresh(folder, student)
    _trust(folder / name for name in done.written if name.endswith(".ipynb"))
    if done.written:
        print(f"{place}/: {len(done.written)} notebooks and presets copied.", file=sys.stderr)
    if done.behind:
        print(
            f"{place}/: left as you changed them, while others ship: {', '.join(done.behind)}; "
            "rename yours and start again to have both.",
            file=sys.stderr,
        )


def _trust(notebooks: Iterable[Path]) -> None:
    """Have JupyterLab show their tables as they ship, which it does of its owner's notebooks."""
    import nbformat
    from nbformat.sign import NotebookNotary

    notary = NotebookNotary()
    for file in notebooks:
        notary.sign(nbformat.read(file, as_version=4))


def _settle(root: Path) -> None:
    """Let kernels and terminals, which run in other folders, see what this command sees."""
    os.environ["ALIGNDRIFT_HOME"] = str(root)
    settings = [str(_SETTINGS), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(settings)
    for variable in ("ALIGNDRIFT_OUTPUTS", "ALIGNDRIFT_DATA", "ALIGNDRIFT_CACHE"):
        if place := paths.from_environment(variable):
            os.environ[variable] = str(place)
    if own := os.environ.get("PYTHONPATH"):
        os.environ["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, own.split(os.pathsep)))


def _check_port(arguments: list[str]) -> None:
    """Raises ConfigError for a port that is asked for and cannot be had."""
    port = _value(arguments, "--port", "--ServerApp.port")
    if port is None:  # JupyterLab takes the next that is free
        return
    if not port.isdecimal() or not 0 <= int(port) < 2**16:
        raise ConfigError(f"--port {port}: give a number up to 65535.")
    with socket.socket() as tried:
        # As servers do: a port that was served a moment ago is free.
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((_value(arguments, "--ip", "--ServerApp.ip") or "localhost", int(port)))
        except OSError as error:
            raise ConfigError(
                f"port {port} cannot be had ({error.strerror or error}); give another, or leave "
                "--port out and a free one is taken."
            ) from None


def _value(arguments: list[str], *names: str) -> str | None:
    """What is typed after one of the names, as `--name value` or `--name=value`."""
    for at, word in enumerate(arguments):
        name, equals, value = word.partition("=")
        if name in names:
            return value if equals else "".join(arguments[at + 1 : at + 2])
    return None
