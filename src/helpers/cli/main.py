"""Where the command begins: its families of commands, and how errors end it."""

import contextlib
import os
import sys
import traceback
import warnings

import typer

from helpers.cli import (
    audit,
    build,
    card,
    chat,
    claims,
    clean,
    data,
    diff,
    interrupt,
    lab,
    notebooks,
    rates,
    runs,
    screen,
    terminal,
    transplant,
)
from helpers.cli.app import app
from helpers.errors import AlignDriftError

#: What typer raises for an option or argument that cannot be.
_UsageError = typer.BadParameter.__base__

#: Commands whose status 1 says what was found; whatever keeps them from it is 2.
_FINDING = ("screen", "audit", "diff")

#: The files that a command is found in: each adds its own when it is imported.
FAMILIES = (
    audit, build, card, chat, claims, clean, data, diff, lab, notebooks, rates, runs, screen,
    transplant,
)  # fmt: skip


def main() -> None:
    """Run the command; an error that a person can act on is one sentence and exit status 1.

    2 where the command was typed in a way that it cannot be, and where 1 says something else (as of
    screen); 130 where it was stopped.
    """
    terminal.settle()
    command = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    interrupt.watch(command)
    warnings.showwarning = lambda message, *_: _say("note", message)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", category=FutureWarning)
    try:
        status = _status(command)
    except KeyboardInterrupt:
        status = interrupt.STATUS
    if status == interrupt.STATUS:
        with contextlib.suppress(OSError, AttributeError, ValueError):  # it may have been closed
            sys.stdout.flush()
        interrupt.end(command)
    sys.exit(status)


def _status(command: str) -> int:
    """The exit status of the command, its errors told."""
    failed = 2 if command in _FINDING else 1
    try:
        # What the command returns is its status where it ended early, such as after --help.
        status = app(
            sys.argv[1:] or ["--help"], prog_name="aligndrift", standalone_mode=False
        )  # fmt: skip
        if sys.stdout:  # which may have been closed
            sys.stdout.flush()
        return status or 0
    except AlignDriftError as error:
        return _told(error, getattr(error, "exit_status", failed))
    except _UsageError as error:
        page = error.ctx.command_path if error.ctx else "aligndrift"
        message = error.format_message()
        stop = "" if message.endswith((".", "?")) else "."
        return _told(f"{message}{stop} See `{page} --help`.", 2)
    except typer.Abort:
        return _told("stopped, as you said.", failed)
    except BrokenPipeError:  # whoever reads our output has had enough, such as head
        with contextlib.suppress(OSError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return failed
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return _told(f"{place}{error.strerror or error}.", getattr(error, "exit_status", failed))
    except Exception:  # what nobody foresaw must not pass for a finding
        traceback.print_exc()
        return failed


def _told(error: Exception | str, status: int) -> int:
    _say("aligndrift", error)
    return status


def _say(who: str, what: object) -> None:
    sentence = " ".join(str(what).split())
    print(f"{who}: {terminal.visible(sentence)}", file=sys.stderr)


if __name__ == "__main__":
    main()
