"""A fresh engine for each test, and a watchdog: a deadlock ends the run and shows the threads."""

import faulthandler

import pytest

from tests.parallel import dummy

SECONDS = 60


@pytest.fixture(name="engine")
def fresh_engine(monkeypatch):
    engine = dummy.Engine()
    monkeypatch.setattr(dummy, "engine", engine)
    return engine


@pytest.fixture
def watchdog(request):
    limit = SECONDS * (10 if request.node.get_closest_marker("slow") else 1)
    faulthandler.dump_traceback_later(limit, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()
