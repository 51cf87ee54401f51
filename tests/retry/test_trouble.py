"""Trouble is logged where it changes, however often something is tried meanwhile."""

from __future__ import annotations

import logging

import pytest

from server.retry.trouble import Trouble


class Story:
    """A trouble, and what was logged of it."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        self._caplog = caplog
        self.now = 100.0
        self.trouble = Trouble(logging.getLogger("test"), "storage is away", "storage is back", lambda: self.now)

    @property
    def lines(self) -> list[tuple[str, str]]:
        return [(record.levelname, record.getMessage()) for record in self._caplog.records]


@pytest.fixture
def story(caplog: pytest.LogCaptureFixture) -> Story:
    return Story(caplog)


def test_attempts_with_the_same_cause_are_logged_once_and_the_end_once(story: Story) -> None:
    for number in range(5):
        story.trouble.goes_on(f"connection {number} refused")
        story.now += 10.0
    assert story.trouble.reason == "connection 4 refused"
    for _ in range(3):
        story.trouble.ends()
    assert story.lines == [
        ("WARNING", "storage is away: connection 0 refused"),
        ("INFO", "storage is back after 50 s (5 failed attempts)"),
    ]
    assert story.trouble.reason == ""
    assert not story.trouble


def test_another_cause_is_logged_but_not_again_when_causes_alternate(story: Story) -> None:
    for cause in ("refused", "disk full", "refused", "disk full"):
        story.trouble.goes_on(cause)
    assert [message for _, message in story.lines] == ["storage is away: refused", "storage is away: disk full"]


def test_trouble_that_returns_is_logged_again(story: Story) -> None:
    for _ in range(2):
        story.trouble.goes_on("refused")
        story.trouble.ends()
    assert [level for level, _ in story.lines] == ["WARNING", "INFO"] * 2


def test_causes_that_are_never_the_same_do_not_fill_the_log(story: Story) -> None:
    for number in range(1000):
        story.trouble.goes_on("x" * (number + 1))
    assert len(story.lines) == 16


def test_what_never_failed_is_not_logged(story: Story) -> None:
    story.trouble.ends()
    assert story.lines == []
