"""Connections are counted as a vendor's limits count them."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from shared.simulator.connection_log import ConnectionLog, most_in_a_minute
from tests.conftest import VirtualRun


def test_what_is_open_what_was_and_what_was_turned_away(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        log = ConnectionLog()
        with log.connection():
            with log.connection():
                pass
            log.turned_away()
        await asyncio.sleep(60)
        with log.connection():
            assert log.report() == {"open_now": 1, "most_at_once": 2, "asked": 4, "most_in_a_minute": 3}

    run_virtual(run())


@given(st.lists(st.integers(0, 600)))
def test_the_busiest_minute(moments_s: list[int]) -> None:
    moments_s.sort()
    windows = [sum(first <= moment < first + 60 for moment in moments_s) for first in moments_s]
    assert most_in_a_minute(moments_s) == max(windows, default=0)
