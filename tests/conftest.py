"""For all tests: where CI is true, a test that is skipped is a failure, for nobody would see that it never runs."""

from __future__ import annotations

import os

import pytest

from tests.effort import load_profile

load_profile()


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    skipped = reporter.stats.get("skipped", [])
    if skipped and os.environ.get("CI") == "true" and session.exitstatus == pytest.ExitCode.OK:
        names = "\n".join(f"  {report.nodeid}" for report in skipped)
        reporter.write_line(f"\n{len(skipped)} tests were skipped, which fails where CI=true:\n{names}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
