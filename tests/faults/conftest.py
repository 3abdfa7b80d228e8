"""What is done to the kit to break it, counted: `make test-faults` ends with the table.

A test takes `tally` and says, for each kind of fault, how many were tried and how many held:

    tally("kill -9 while a run is stored", tried=10, held=held)
"""

import pytest

_TABLE: dict[str, list[int]] = {}


@pytest.fixture
def tally():
    """Counts faults of a kind, and fails the test if one did not hold."""

    def count(kind: str, tried: int, held: int) -> None:
        row = _TABLE.setdefault(kind, [0, 0])
        row[0] += tried
        row[1] += held
        assert held == tried, f"{kind}: {tried - held} of {tried} fell"

    return count


def pytest_terminal_summary(terminalreporter):
    if not _TABLE:
        return
    width = max(map(len, _TABLE))
    terminalreporter.section("faults")
    terminalreporter.write_line(f"{'kind':{width}}  tried   held")
    for kind, (tried, held) in _TABLE.items():
        terminalreporter.write_line(f"{kind:{width}} {tried:6,} {held:6,}")
