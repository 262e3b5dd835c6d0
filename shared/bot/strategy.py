"""The base of the recovery scripts: one journal, one set of limits, one controller for each strategy file and pair.

It must not be imported by class name into a script: Hummingbot takes the alphabetically first strategy class of a module.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from hummingbot.client import settings
from hummingbot.core.data_type.common import MarketDict
from hummingbot.strategy import strategy_v2_base
from pydantic import ValidationError

from shared.adapters.phase_journal import current_phase
from shared.bot import host as host  # for its effect: paper connectors and guarded executors
from shared.bot import phase_change, session, status, status_text
from shared.bot.live_edits import require_editable
from shared.bot.script_config import RecoveryScriptConfig, load_script_config
from shared.domain.phases import config_file
from shared.ports import JournalError
from shared.wire.config_errors import ConfigError, describe


class RecoveryStrategy(strategy_v2_base.StrategyV2Base):
    """Runs the controllers its configuration names.

    Attributes:
        config_name: What its files of conf/scripts begin with. Where the trader names none (`start --script x.py`) it is that
            of the home's current phase.
    """

    config_name: ClassVar[str]
    # Hummingbot goes through all closed executors it holds at every tick, up to 100 of them. Handed to its database at once
    # they cost nothing, and a stop, which clears what is not yet stored, loses none.
    closed_executors_buffer = 0
    _last_config_update_ts: float
    config: RecoveryScriptConfig

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # Without --conf, 20260126 never calls init_markets: the markets must be known when the module is loaded.
        try:
            cls.markets = _markets_of(cls._load_default(current_phase(session.journal_path())))
        except (ConfigError, JournalError):
            # The trader may have named another file. If not, __init__ meets the same error and refuses to start.
            cls.markets = MarketDict({})

    @classmethod
    def _load_default(cls, phase: int) -> RecoveryScriptConfig:
        name = config_file(cls.config_name, phase)
        return load_script_config(Path(settings.SCRIPT_STRATEGY_CONF_DIR_PATH) / name)

    @classmethod
    def init_markets(cls, config: RecoveryScriptConfig) -> None:
        cls.markets = _markets_of(config)

    @classmethod
    def _is_of(cls, phase: int, config: RecoveryScriptConfig) -> bool:
        return cls._load_default(phase).controllers_config == config.controllers_config

    def __init__(self, connectors: dict[str, Any], config: RecoveryScriptConfig | None = None) -> None:
        phase = current_phase(session.journal_path())
        config = config or self._load_default(phase).model_copy(update={"follow_phase": True})
        # None, if the phase changed after the configuration was chosen: the first look then goes on in the new one.
        self._phase = phase if not config.follow_phase or self._is_of(phase, config) else None
        self.session = session.begin(config.limits)
        self._refused_edit: str | None = None
        self._file_stamps = config.file_stamps()
        super().__init__(connectors, config)
        missing = {wanted.id for wanted in config.load_controller_configs()} - set(self.controllers)
        if missing:
            # Hummingbot logs a controller that fails to start and goes on without it.
            raise ConfigError(f"these controllers did not start, see the log: {', '.join(sorted(missing))}")
        self.session.watch(connectors, script=config.script_file_name, market=session.market_name())

    def apply_initial_setting(self) -> None:
        """Set position mode and leverage on perpetual connectors, as the controllers ask for them."""
        for controller in self.controllers.values():
            wanted = controller.config
            if wanted.is_perpetual:
                self.set_position_mode(wanted.connector_name, wanted.position_mode)
                self.set_leverage(wanted.connector_name, wanted.trading_pair, wanted.leverage)

    def create_actions_proposal(self) -> list[Any]:
        """The controllers create executors; the script adds none."""
        return []

    def stop_actions_proposal(self) -> list[Any]:
        """Executors end by their barriers."""
        return []

    def update_controllers_configs(self) -> None:
        """Every ten seconds: take live edits of the strategy files, and a change of the home's phase.

        What is wrong is refused as a whole; the old values stay, and `status` and the journal say why. Hummingbot parses
        every file again every ten seconds, changed or not, which at full speed is a quarter of the CPU.
        """
        if self._last_config_update_ts + self.config_update_interval > self.current_timestamp:
            return
        self._last_config_update_ts = self.current_timestamp
        refusals = (_refusal_of(step) for step in (self._follow_phase, self._take_edits))
        reason = "; ".join(filter(None, refusals)) or None
        if reason is not None and reason != self._refused_edit:
            self.session.config_refused(reason)
            self.logger().error(f"Edit refused, the old values stay: {reason}")
        self._refused_edit = reason

    def _take_edits(self) -> None:
        stamps = self.config.file_stamps()
        if stamps == self._file_stamps:
            return
        edited = [(self.controllers[wanted.id], wanted) for wanted in self.config.load_controller_configs()]
        for controller, wanted in edited:
            require_editable(controller.config, wanted)
        for controller, wanted in edited:
            file = wanted.id.removesuffix(f"_{wanted.trading_pair}")
            controller.update_config(wanted, source=f"conf/controllers/{file}.yml")
        self._file_stamps = stamps

    def _follow_phase(self) -> None:
        phase_change.let_go(self)
        if not self.config.follow_phase:
            return
        phase = current_phase(session.journal_path())
        if phase == self._phase:
            return
        kept = {name: getattr(self.config, name) for name in phase_change.KEPT}
        config = self._load_default(phase).model_copy(update=kept)
        phase_change.go_on(self, config, phase)
        self.config, self._phase, self._file_stamps = config, phase, config.file_stamps()
        self.session.limits = config.limits
        self.logger().info(f"Phase {phase}: going on with {', '.join(config.controllers_config)}.")

    async def on_stop(self) -> None:
        """Take no more signals, close every position, and end the journal's run with the final balances."""
        self.session.stopping = True
        await super().on_stop()
        for controller in self.controllers.values():
            controller.flush()
        self.session.end()

    def format_status(self) -> str:
        waiting = status.waiting_for(self)
        if waiting:
            return f"Waiting for {waiting}"
        return status_text.render_text(status.snapshot(self), refused_edit=self._refused_edit)


def _refusal_of(step: Callable[[], None]) -> str | None:
    try:
        step()
    except (ConfigError, ValidationError, JournalError) as error:
        return describe("an edit", error) if isinstance(error, ValidationError) else str(error)
    return None


def _markets_of(config: RecoveryScriptConfig) -> MarketDict:
    markets = MarketDict({})
    for controller in config.load_controller_configs():
        markets = controller.update_markets(markets)
    return markets
