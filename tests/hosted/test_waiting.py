"""A wait lasts as long as something moves, and ends with a sentence when nothing does."""

import pytest

from helpers.errors import ConfigError
from helpers.hosted import waiting
from helpers.hosted.client import HostedError
from helpers.hosted.waiting import Waiting


@pytest.fixture
def clock(monkeypatch):
    """Seconds that a test moves on by itself."""
    now = [0.0]
    monkeypatch.setattr(waiting.time, "monotonic", lambda: now[0])
    monkeypatch.delenv("ALIGNDRIFT_PATIENCE", raising=False)
    return now


@pytest.mark.parametrize("minutes", ["", "2"])
def test_what_moves_is_waited_for_and_what_does_not_is_not(clock, monkeypatch, minutes):
    monkeypatch.setenv("ALIGNDRIFT_PATIENCE", minutes)
    patience = 60 * float(minutes or waiting.MINUTES)
    job = Waiting("job ftjob-1")
    for n in range(20):  # far longer than the patience altogether
        job.saw("running", f"event-{n}")
        clock[0] += patience - 1
        job.saw("running", f"event-{n}")
    clock[0] += 2
    with pytest.raises(HostedError, match="job ftjob-1 is running and has not moved") as error:
        job.saw("running", "event-19")
    assert error.value.may_pass
    assert f"{patience / 60:g} minutes" in str(error.value) and "start again" in str(error.value)
    job.saw("succeeded", "event-19")


def test_a_patience_that_is_none_is_told(monkeypatch):
    monkeypatch.setenv("ALIGNDRIFT_PATIENCE", "for ever")
    with pytest.raises(ConfigError, match="ALIGNDRIFT_PATIENCE is 'for ever'; write a number of"):
        Waiting("job ftjob-1")
