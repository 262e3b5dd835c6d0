"""What conf/sidecar.yml says: which services run, how journals are shipped, how long rows stay, what storage costs.

What it says of prices is in `feed_config`.
"""

import re
from collections.abc import Mapping
from datetime import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PlainValidator, ValidationError, ValidationInfo
from pydantic import field_validator as check

from shared.adapters.settings_file import read_yaml
from shared.domain.retention import Dataset, RetentionPolicy
from shared.domain.windows import PartitionStep, Window, WindowError
from shared.sidecar.feed_config import AlertsConfig, FeedsConfig, ServerConfig
from shared.sidecar.settings import Count, Number, Settings, Switch, setting
from shared.wire.config_errors import ConfigError, describe

# Not that of shared.bot.home, which the sidecar never imports.
_CHECKOUT = Path(__file__).resolve().parents[2]
_FILE = Path("conf") / "sidecar.yml"
_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


class SidecarConfigError(ConfigError):
    """conf/sidecar.yml cannot be used. The message is one sentence: file, field, value, what is allowed."""


_A_WINDOW = "a span such as 30d, 6mo or 1y, of 50 years at most"
_A_TIME = "a time of day in UTC, in quotes: '03:30'"
_A_FOLDER = "a folder, absolute or relative to the home, without .. or ~"


def _read_window(value: Any) -> Window:
    try:
        return Window.parse(value)
    except (TypeError, WindowError):
        raise ValueError(f"must be {_A_WINDOW}") from None


def _read_time(value: Any) -> time:
    # Without its quotes, YAML reads 13:30 as the number 810, which would pass for a quarter past midnight.
    written = _TIME_OF_DAY.fullmatch(value) if isinstance(value, str) else None
    if written is None:
        raise ValueError(f"must be {_A_TIME}")
    return time(int(written[1]), int(written[2]))


def _read_folder(value: Any) -> Path:
    if not isinstance(value, str) or not Path(value).name or ".." in Path(value).parts or value.startswith("~"):
        raise ValueError(f"must be {_A_FOLDER}")
    return Path(value)


CalendarWindow = Annotated[Window, PlainValidator(_read_window)]


class KeptWindow(Settings):
    """Rows that go from live to gone."""

    keep: CalendarWindow = setting("How long rows stay in the working tables", _A_WINDOW)


class ArchivedWindows(KeptWindow):
    """Rows that are archived before they go."""

    archive_until: CalendarWindow = setting("Age at which rows leave the archive, as files", _A_WINDOW)

    @check("archive_until")
    @classmethod
    def _ends_after_keep(cls, value: Window, info: ValidationInfo) -> Window:
        return _longer_than_keep(value, info)


class AggregatedWindows(KeptWindow):
    """Rows that leave daily aggregates behind."""

    aggregate_until: CalendarWindow = setting("Age at which their daily aggregates go", _A_WINDOW)

    @check("aggregate_until")
    @classmethod
    def _ends_after_keep(cls, value: Window, info: ValidationInfo) -> Window:
        return _longer_than_keep(value, info)


def _longer_than_keep(value: Window, info: ValidationInfo) -> Window:
    keep = info.data.get("keep")  # absent where it was refused itself
    if isinstance(keep, Window) and not value.outlasts(keep):
        raise ValueError(f"must be longer than keep = {keep}, whatever the month")
    return value


class Windows(Settings):
    """The windows of each dataset, counted back from now."""

    ohlc_1m: ArchivedWindows
    ohlc_15m: ArchivedWindows
    ohlc_1h: ArchivedWindows
    ml_features: KeptWindow
    scan_history: AggregatedWindows


class PartitionsAhead(Settings):
    """Partitions made beyond the current one. None is not allowed: rows would have no place at midnight."""

    daily: Count = Field(ge=1, le=60, description="Days")
    monthly: Count = Field(ge=1, le=24, description="Months")


class RetentionConfig(Settings):
    """What the retention run does, and when."""

    windows: Windows
    partitions_ahead: PartitionsAhead
    archive_folder: Annotated[Path, PlainValidator(_read_folder)] = setting(
        "Where exported partitions go: relative to the home, or absolute", _A_FOLDER
    )
    run_at_utc: Annotated[time, PlainValidator(_read_time)] = setting("Time of the daily run, UTC", _A_TIME)

    @property
    def policies(self) -> tuple[RetentionPolicy, ...]:
        """One for each dataset."""
        windows = self.windows
        return (
            RetentionPolicy(Dataset.OHLC_1M, windows.ohlc_1m.keep, windows.ohlc_1m.archive_until),
            RetentionPolicy(Dataset.OHLC_15M, windows.ohlc_15m.keep, windows.ohlc_15m.archive_until),
            RetentionPolicy(Dataset.OHLC_1H, windows.ohlc_1h.keep, windows.ohlc_1h.archive_until),
            RetentionPolicy(Dataset.ML_FEATURES, windows.ml_features.keep),
            RetentionPolicy(
                Dataset.SCAN_HISTORY,
                windows.scan_history.keep,
                aggregate_until=windows.scan_history.aggregate_until,
            ),
        )

    @property
    def ahead(self) -> Mapping[PartitionStep, int]:
        """Steps to make beyond the current one."""
        return {PartitionStep.DAILY: self.partitions_ahead.daily, PartitionStep.MONTHLY: self.partitions_ahead.monthly}

    def archive_in(self, home: Path) -> Path:
        """The archive folder of a home."""
        return home / self.archive_folder


class Backend(StrEnum):
    """How rows reach the store."""

    AUTO = "auto"
    DIRECT = "direct"
    REST = "rest"


class ShippingConfig(Settings):
    """How journals reach the store."""

    backend: Backend = Field(description="direct: Postgres; rest: the API; auto: what the environment names")
    direct_batch_events: Count = Field(ge=1, le=50_000, description="Events in one transaction, direct")
    rest_batch_events: Count = Field(ge=500, le=1000, description="Events in one request to the API")
    poll_s: float = Field(strict=True, ge=0.1, le=3600, allow_inf_nan=False, description="Seconds between two looks")


class StorageConfig(Settings):
    """What storage costs and how much of it there is. 1 GB is 1e9 bytes."""

    price_usd_per_gb_month: Number = Field(ge=0, le=100, description="Price of one GB for a month, USD")
    size_limit_gb: Number = Field(gt=0, le=1_000_000, description="Size at which the database is full, GB")


class Services(Settings):
    """Which services the sidecar runs."""

    shipping: Switch = Field(description="Write the bot's journal to the store")
    retention: Switch = Field(description="Archive, export and drop what is past its window, once a day")
    feeds: Switch = Field(description="Fetch candles, serve them to the bot and write them to the store")


class SidecarConfig(Settings):
    """conf/sidecar.yml."""

    services: Services
    shipping: ShippingConfig
    retention: RetentionConfig
    storage: StorageConfig
    feeds: FeedsConfig
    server: ServerConfig
    alerts: AlertsConfig


def find_config(home: Path | None) -> Path:
    """The home's conf/sidecar.yml where it has one, else the checkout's."""
    own = None if home is None else home / _FILE
    # A link to nowhere counts as its own: silently using another file would be worse than saying so.
    if own is not None and (own.exists() or own.is_symlink()):
        return own
    return _CHECKOUT / _FILE


def load_config(path: Path) -> SidecarConfig:
    """Read the sidecar's settings.

    Raises:
        SidecarConfigError: The file is missing or wrong.
    """
    try:
        return SidecarConfig.model_validate(read_yaml(path))
    except ValidationError as error:
        raise SidecarConfigError(describe(path, error, SidecarConfig)) from error
    except ConfigError as error:
        raise SidecarConfigError(str(error)) from error
