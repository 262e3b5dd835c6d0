"""One controller's configuration while the bot runs: what may change is taken, what may not is told, and both are journaled."""

from collections.abc import Mapping

from shared.bot.config import RecoveryControllerConfig, is_updatable
from shared.bot.recorder import RunRecorder
from shared.domain import events as ev
from shared.wire.config_errors import ConfigError


def frozen_changes(config: RecoveryControllerConfig, wanted: RecoveryControllerConfig) -> list[str]:
    """Settings an edit changes that may not change while the bot runs."""
    now, then = config.as_text(), wanted.as_text()
    return [name for name in now if then.get(name) != now[name] and not is_updatable(type(config), name)]


def require_editable(config: RecoveryControllerConfig, wanted: RecoveryControllerConfig) -> None:
    """Check that a running controller can take an edit whole.

    Raises:
        ConfigError: It changes what may not change while the bot runs.
    """
    for name in frozen_changes(config, wanted):
        raise ConfigError(
            f"{wanted.id}: {name} = {wanted.as_text()[name]}: cannot change while the bot runs, it was "
            f"{config.as_text()[name]}; stop and start the script to take it"
        )


def taken(config: RecoveryControllerConfig, wanted: RecoveryControllerConfig) -> RecoveryControllerConfig:
    """The configuration after an edit: what may change as it is wanted, the rest as it was.

    Raises:
        ValidationError: What may change does not go with what may not.
    """
    kept = {name: getattr(config, name) for name in type(config).model_fields}
    changed = {name: getattr(wanted, name) for name in kept if is_updatable(type(config), name)}
    return type(config)(**kept | changed)


class ConfigRecord:
    """Writes the configurations a controller runs under into the journal.

    Args:
        recorder: Where the events go.

    Attributes:
        source: Where the first of them comes from.
    """

    def __init__(self, recorder: RunRecorder) -> None:
        self.source = "start"
        self._recorder = recorder
        self._has_begun = False
        self._frozen_told: list[str] = []

    def begin(self, config: RecoveryControllerConfig) -> None:
        """Record what the controller starts with, once."""
        if not self._has_begun:
            self._has_begun = True
            self._append(config, self.source, old={}, new=config.as_text())

    def edited(self, before: RecoveryControllerConfig, config: RecoveryControllerConfig, source: str) -> None:
        """Record what an edit changed, if anything; before it, what the controller started with."""
        was, now = before.as_text(), config.as_text()
        differing = [name for name in now if now[name] != was[name]]
        if differing:
            self.begin(before)
            old, new = ({name: text[name] for name in differing} for text in (was, now))
            self._append(config, source, old=old, new=new)

    def tell_frozen(self, config: RecoveryControllerConfig, wanted: RecoveryControllerConfig) -> None:
        """Record which settings of an edit are not taken, if any.

        Our scripts refuse such an edit as a whole. Under another script the rest is taken, and nobody else would tell.
        """
        frozen = frozen_changes(config, wanted)
        if frozen and frozen != self._frozen_told:
            names = ", ".join(frozen)
            self._recorder.config_refused(f"{config.id}: {names}: cannot change while the bot runs; restart it")
        self._frozen_told = frozen

    def _append(
        self, config: RecoveryControllerConfig, source: str, *, old: Mapping[str, str], new: Mapping[str, str]
    ) -> None:
        self._recorder.append(
            ev.ConfigApplied(
                at_ms=self._recorder.now_ms(),
                controller_id=config.id,
                strategy=config.strategy,
                pair=config.trading_pair,
                phase=config.phase,
                config_id=config.config_id,
                source=source,
                old=old,
                new=new,
            )
        )
