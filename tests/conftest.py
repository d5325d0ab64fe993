"""For all tests: the name of a test does not depend on when it is collected, and where CI is true a skipped test is a failure."""

from __future__ import annotations

import os

import pytest

from tests.effort import load_profile

load_profile()


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Three tests at a time for two cores: a third of their time is waiting for processes and servers."""
    return max(2, (os.cpu_count() or 1) * 3 // 2)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes may be packed at the time of collection, and name that time: two workers that collect would not find the same tests."""
    return argname if isinstance(val, bytes | bytearray) else None


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    skipped = reporter.stats.get("skipped", [])
    if skipped and os.environ.get("CI") == "true" and session.exitstatus == pytest.ExitCode.OK:
        names = "\n".join(f"  {report.nodeid}" for report in skipped)
        reporter.write_line(f"\n{len(skipped)} tests were skipped, which fails where CI=true:\n{names}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
