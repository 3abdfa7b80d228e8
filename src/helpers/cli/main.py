"""Where the command begins: its families of commands, and how errors end it."""

import sys
import warnings

from helpers.cli import build, data, notebooks, runs  # noqa: F401  each adds its commands
from helpers.cli.app import app
from helpers.errors import AlignDriftError, ConfigError, DataError


def main() -> None:
    """Run the command; an error that a person can act on is one sentence and exit status 2."""
    warnings.showwarning = lambda message, *_: print(f"note: {message}", file=sys.stderr)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", category=FutureWarning)
    try:
        app()
    except AlignDriftError as error:
        print(f"aligndrift: {error}", file=sys.stderr)
        sys.exit(1 if not isinstance(error, ConfigError | DataError) else 2)
    except KeyboardInterrupt:
        print("aligndrift: stopped; every finished run is stored.", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
