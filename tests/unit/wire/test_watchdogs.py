"""Silence of a transport and of a source."""

from shared.wire.watchdogs import SilenceWatchdog, TransportWatchdog, Verdict

BOTH = frozenset({"BTC-USD", "ETH-USD"})


def test_a_silent_transport_is_pinged_and_then_given_up() -> None:
    watchdog = TransportWatchdog(10.0, 5.0)
    assert watchdog.due_s is None
    watchdog.begin(0.0)
    assert watchdog.look(9.9) is Verdict.FINE
    assert watchdog.look(10.0) is Verdict.PING
    assert watchdog.due_s == 15.0
    assert watchdog.look(15.0) is Verdict.DEAD


def test_any_sign_of_life_will_do() -> None:
    watchdog = TransportWatchdog(10.0, 5.0)
    watchdog.begin(0.0)
    watchdog.look(10.0)
    watchdog.heard(12.0)
    assert watchdog.due_s == 22.0
    watchdog.end()
    watchdog.heard(13.0)
    assert watchdog.due_s is None


def test_a_process_that_stood_still_asks_again_before_it_judges() -> None:
    watchdog = TransportWatchdog(10.0, 5.0)
    watchdog.begin(0.0)
    watchdog.look(10.0)
    assert watchdog.look(300.0) is Verdict.PING
    assert watchdog.look(305.0) is Verdict.DEAD
    silence = SilenceWatchdog(90.0, None)
    silence.begin(0.0)
    assert silence.look(400.0) is Verdict.FINE
    assert silence.look(490.0) is Verdict.DEAD


def test_others_do_not_speak_for_the_canary() -> None:
    watchdog = SilenceWatchdog(90.0, "BTC-USD")
    watchdog.begin(0.0)
    watchdog.heard({"ETH-USD"}, BOTH, 80.0)
    assert watchdog.due_s == 90.0
    assert watchdog.look(90.0) is Verdict.RENEW
    watchdog.heard({"ETH-USD"}, BOTH, 170.0)
    assert watchdog.look(180.0) is Verdict.DEAD


def test_a_canary_that_came_back_is_renewed_again_another_time() -> None:
    watchdog = SilenceWatchdog(90.0, "BTC-USD")
    watchdog.begin(0.0)
    watchdog.heard({"ETH-USD"}, BOTH, 80.0)
    assert watchdog.look(90.0) is Verdict.RENEW
    watchdog.heard({"BTC-USD", "ETH-USD"}, BOTH, 100.0)
    watchdog.heard({"ETH-USD"}, BOTH, 180.0)
    assert watchdog.look(190.0) is Verdict.RENEW


def test_without_a_canary_among_the_symbols_any_bar_will_do() -> None:
    for canary in (None, "SOL-USD"):
        watchdog = SilenceWatchdog(90.0, canary)
        watchdog.begin(0.0)
        watchdog.heard({"ETH-USD"}, BOTH, 80.0)
        assert watchdog.due_s == 170.0
        assert watchdog.look(170.0) is Verdict.DEAD
