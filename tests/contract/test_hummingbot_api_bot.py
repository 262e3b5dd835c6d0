"""A bot that Hummingbot's API deploys finds our controllers, trades with them, takes edits of their files and reports.

Its script is v2_with_controllers.py, which no wheel contains: the lines that matter are written down below.
"""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import hummingbot
import pytest
import yaml

from shared.adapters.memory_journal import MemoryJournal
from shared.adapters.sqlite_journal import SqliteJournal
from shared.bot.custom_info import CustomInfo
from shared.bot.recorder import RunRecorder
from shared.domain import events as ev
from shared.domain.rules import Evaluation
from shared.domain.signals import Refusal, Side, signal_id
from tests.acceptance.bot_home import CHECKOUT
from tests.contract.api_folders import CLASSES, STRATEGIES, copy_in, run

# The lines of Hummingbot's scripts/v2_with_controllers.py that deal with controllers. What it would publish by MQTT is kept.
V2_WITH_CONTROLLERS = """
import os
from typing import Dict, List, Optional, Set

from hummingbot.data_feed.candles_feed.data_types import CandlesConfig
from hummingbot.strategy.strategy_v2_base import StrategyV2Base, StrategyV2ConfigBase

try:
    from hummingbot.remote_iface.mqtt import mqtt_serialize as serialize
except ImportError:
    from commlib.serializer import JSONSerializer

    serialize = JSONSerializer.serialize


class V2WithControllersConfig(StrategyV2ConfigBase):
    script_file_name: str = os.path.basename(__file__)
    candles_config: List[CandlesConfig] = []
    markets: Dict[str, Set[str]] = {}
    max_global_drawdown_quote: Optional[float] = None
    max_controller_drawdown_quote: Optional[float] = None


class V2WithControllers(StrategyV2Base):
    performance_report_interval = 1

    def __init__(self, connectors, config):
        super().__init__(connectors, config)
        self.config = config
        self.published = {}
        self._last_performance_report_timestamp = 0

    def on_tick(self):
        super().on_tick()
        if not self._is_stop_triggered:
            for controller in self.controllers.values():
                assert not controller.config.manual_kill_switch
            self.send_performance_report()

    def send_performance_report(self):
        if self.current_timestamp - self._last_performance_report_timestamp >= self.performance_report_interval:
            for controller_id, controller in self.controllers.items():
                report = self.get_performance_report(controller_id)
                performance = report.dict() if report else {}
                payload = {controller_id: {"performance": performance, "custom_info": controller.get_custom_info()}}
                self.published.setdefault(controller_id, []).append(serialize(payload))
            self._last_performance_report_timestamp = self.current_timestamp

    def create_actions_proposal(self):
        return []

    def stop_actions_proposal(self):
        return []

    def apply_initial_setting(self):
        for controller in self.controllers.values():
            config = controller.config.model_dump()
            assert {"connector_name", "trading_pair", "position_mode", "leverage"} <= set(config)
"""


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What became of a bot with three controllers, deployed as the API does, after 15 minutes of simulated trading."""
    folder = tmp_path_factory.mktemp("bot")
    copy_in(folder, "controllers", "shared")
    for name in ("conf/controllers", "conf/scripts", "conf/connectors", "conf/strategies", "data", "logs", "scripts"):
        (folder / name).mkdir(parents=True)
    (folder / "hummingbot").symlink_to(Path(hummingbot.__file__).parent)
    (folder / "scripts" / "v2_with_controllers.py").write_text(V2_WITH_CONTROLLERS)
    easy = {"recovery_dca": {"drop_threshold": 0.002}, "recovery_swing": {}, "recovery_channel": {}}
    for strategy, changes in easy.items():
        content = yaml.safe_load((CHECKOUT / "conf" / "controllers" / f"{strategy}_phase1.yml").read_text())
        name = strategy.replace("recovery", "deployed")
        saved = yaml.dump(content | changes | {"id": name, "min_confidence": 0}, default_flow_style=False)
        (folder / "conf" / "controllers" / f"{name}.yml").write_text(saved)
    script = {
        "script_file_name": "v2_with_controllers.py",
        "candles_config": [],
        "markets": {},
        "controllers_config": ["deployed_dca.yml", "deployed_swing.yml", "deployed_channel.yml"],
    }
    (folder / "conf" / "scripts" / "bot-20261123.yml").write_text(yaml.dump(script, default_flow_style=False))
    found = run("api_bot.py", "bot-20261123.yml", folder=folder)
    journal = SqliteJournal(Path(found["journal"]))
    (run_id,) = journal.runs()
    return found | {"folder": folder, "events": list(journal.read(run_id))}


def test_a_foreign_script_finds_our_classes(deployed: dict[str, Any]) -> None:
    folder = deployed["folder"]
    assert deployed["controllers"] == {
        name.replace("recovery", "deployed"): [
            CLASSES[name],
            str(folder / "controllers" / "directional_trading" / f"{name}.py"),
        ]
        for name in STRATEGIES
    }
    assert deployed["shared"] == str(folder / "shared" / "__init__.py")
    assert deployed["refused_hosts"] == {}


def test_its_session_begins_by_itself_and_trades(deployed: dict[str, Any]) -> None:
    assert Path(deployed["journal"]).parent == deployed["folder"] / "data"
    events = deployed["events"]
    (started,) = [event for event in events if isinstance(event, ev.RunStarted)]
    assert started.script in deployed["controllers"], "named by the first controller that looked"
    assert {event.controller_id for event in events if isinstance(event, ev.ConfigApplied)} == set(
        deployed["controllers"]
    )
    decided = [event for event in events if isinstance(event, ev.SignalDecided)]
    assert Refusal.CRASH_GUARD_BLIND not in {event.reason for event in decided}, (
        "its candles were asked for at the start"
    )
    taken = [event for event in decided if event.taken]
    assert taken
    assert {event.signal_id for event in events if isinstance(event, ev.OrderFilled)} >= {taken[0].signal_id}


def test_a_live_edit_is_taken_where_it_may_be_and_told_where_not(deployed: dict[str, Any]) -> None:
    applied = [event for event in deployed["events"] if isinstance(event, ev.ConfigApplied) and event.source != "start"]
    assert [(event.controller_id, event.old, event.new) for event in applied] == [
        ("deployed_dca", {"min_confidence": "0"}, {"min_confidence": "0.1"})
    ]
    refused = [event.reason for event in deployed["events"] if isinstance(event, ev.ConfigRefused)]
    assert refused == ["deployed_dca: interval: cannot change while the bot runs; restart it"]


def strictly(text: str) -> Any:
    """JSON as the standard has it: what Python and ujson let through is no number to anybody else."""

    def refuse(constant: str) -> Any:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_reports_are_json_of_less_than_1_kb(deployed: dict[str, Any]) -> None:
    for controller_id, reports in deployed["reports"].items():
        assert len(reports) > 100
        for report in (strictly(text)[controller_id] for text in reports):
            info = report["custom_info"]
            assert len(json.dumps(info, allow_nan=False).encode()) < 1000
            assert {"phase", "funnel", "health"} <= set(info)
            assert info["phase"] == 1


@pytest.mark.parametrize("strange", [float("nan"), float("inf"), -float("inf"), 123456.789012])
def test_the_longest_report_is_json_of_less_than_1_kb(strange: float) -> None:
    """Nothing known makes it longer: a name as long as a person would give, every reason, every digit."""
    identity = "a_controller_with_a_name_that_says_all_about_it_for_1000SATS-USDT"
    recorder = RunRecorder(MemoryJournal(), clock=lambda: 1_999_999_999_999)
    for reason in sorted(Refusal, key=len)[-3:]:
        for second in range(2):
            recorder.append(
                ev.SignalDecided(
                    at_ms=0,
                    signal_id=signal_id(identity, Side.BUY, second * 1000),
                    controller_id=identity,
                    strategy="recovery_channel",
                    pair="1000SATS-USDT",
                    side=Side.BUY,
                    candle_close_ms=second * 1000,
                    price=1.0,
                    confidence=1.0,
                    thresholds={},
                    values={},
                    reason=reason,
                )
            )
    config = SimpleNamespace(
        id=identity, trading_pair="1000SATS-USDT", phase=2, config_id="0123456789ab", interval_s=300
    )
    values = {f"a_feature_of_some_length_{place}": strange for place in range(12)}
    info = CustomInfo(recorder).read(config, Evaluation(0, strange, values))
    assert len(json.dumps(info, allow_nan=False).encode()) < 1000


def test_reports_tell_the_funnel_and_the_health(deployed: dict[str, Any]) -> None:
    last = strictly(deployed["reports"]["deployed_dca"][-1])["deployed_dca"]["custom_info"]
    decided = [
        event
        for event in deployed["events"]
        if isinstance(event, ev.SignalDecided) and event.controller_id == "deployed_dca"
    ]
    assert last["health"] == "ok"
    assert last["funnel"]["signals"] == len(decided) > 0
    assert last["funnel"]["taken"] == sum(event.taken for event in decided) > 0
    assert last["funnel"]["filled"] > 0
