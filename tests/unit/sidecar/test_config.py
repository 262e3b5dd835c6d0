"""Whatever is wrong with conf/sidecar.yml is told in one sentence: file, field, value and what is allowed."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from shared.adapters.settings_file import read_yaml
from shared.domain.retention import Dataset, RetentionPolicy
from shared.domain.windows import PartitionStep, Window
from shared.sidecar import config as sidecar_config
from shared.sidecar.config import Backend, SidecarConfig, SidecarConfigError, find_config, load_config
from shared.wire.config_errors import ConfigError, shown

CHECKOUT = Path(__file__).resolve().parents[3]
SHIPPED = CHECKOUT / "conf" / "sidecar.yml"
WINDOW = "must be a span such as 30d, 6mo or 1y, of 50 years at most"
TIME = "must be a time of day in UTC, in quotes: '03:30'"
FOLDER = "must be a folder, absolute or relative to the home, without .. or ~"
LINES = "settings as `name: value` lines"
NO_SUCH = "there is no such setting"
MISSING = object()


def changed(field: str, value: Any) -> dict[str, Any]:
    """The shipped settings with one of them set, added or, with MISSING, left out."""
    content = read_yaml(SHIPPED)
    *parents, name = field.split(".")
    part = content
    for parent in parents:
        part = part[parent]
    if value is MISSING:
        del part[name]
    else:
        part[name] = value
    return content


def refusal(path: Path, content: Any) -> str:
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(SidecarConfigError) as refused:
        load_config(path)
    message = str(refused.value)
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def test_the_file_of_the_house_says_what_the_issue_does() -> None:
    config = load_config(SHIPPED)
    assert config.retention.policies == (
        RetentionPolicy(Dataset.OHLC_1M, Window(days=30), archive_until=Window(days=90)),
        RetentionPolicy(Dataset.OHLC_15M, Window(months=6), archive_until=Window(months=12)),
        RetentionPolicy(Dataset.OHLC_1H, Window(months=12), archive_until=Window(months=24)),
        RetentionPolicy(Dataset.ML_FEATURES, Window(months=3)),
        RetentionPolicy(Dataset.SCAN_HISTORY, Window(days=30), aggregate_until=Window(days=90)),
    )
    assert {policy.dataset for policy in config.retention.policies} == set(Dataset)
    assert config.retention.ahead == {PartitionStep.DAILY: 7, PartitionStep.MONTHLY: 2}
    assert config.retention.run_at_utc == time(3, 30)
    assert config.retention.archive_in(Path("/home/bot")) == Path("/home/bot/data/archive")
    assert (config.services.shipping, config.services.retention) == (True, True)
    assert config.shipping.backend is Backend.AUTO
    assert (config.shipping.direct_batch_events, config.shipping.rest_batch_events) == (5000, 1000)
    assert config.shipping.poll_s == 1.0
    assert config.storage.price_usd_per_gb_month == Decimal("0.125")
    assert config.storage.size_limit_gb == 8


def test_the_file_is_written_as_yaml_would_write_it() -> None:
    """A program that edits it changes the line it means and no other."""
    assert SHIPPED.read_text() == yaml.safe_dump(read_yaml(SHIPPED))


ONE_OF_THE_SOURCES = "must be a list of polygon, binance, coingecko, each at most once"


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("retention.windows.ohlc_1m.keep", "30 days", WINDOW),
        ("retention.windows.ohlc_1m.keep", 30, WINDOW),
        ("retention.windows.ohlc_1m.keep", "0d", WINDOW),
        ("retention.windows.ohlc_1m.keep", "-30d", WINDOW),
        ("retention.windows.ohlc_1m.keep", None, WINDOW),
        ("retention.windows.ohlc_15m.keep", "6m", WINDOW),
        ("retention.windows.ohlc_1h.archive_until", "51y", WINDOW),
        ("retention.windows.ohlc_1h.archive_until", None, WINDOW),
        ("retention.windows.ohlc_1m.archive_until", "30d", "must be longer than keep = 30d, whatever the month"),
        ("retention.windows.ohlc_1m.archive_until", "1mo", "must be longer than keep = 30d, whatever the month"),
        ("retention.windows.ohlc_15m.archive_until", "3mo", "must be longer than keep = 6mo, whatever the month"),
        ("retention.windows.scan_history.aggregate_until", "7d", "must be longer than keep = 30d, whatever the month"),
        ("retention.windows.scan_history.aggregate_until", "90", WINDOW),
        ("retention.windows.ml_features.archive_until", "1y", f"{NO_SUCH}; there are: keep"),
        ("retention.windows.scan_history.archive_until", "90d", f"{NO_SUCH}; the nearest is aggregate_until"),
        ("retention.windows.ohlc_5m", "30d", f"{NO_SUCH}; the nearest is ohlc_15m"),
        ("retention.windows.ohlc_1m", "30d", f"must be {LINES}"),
        ("retention.partitions_ahead.daily", 0, "must be a whole number from 1 to 60"),
        ("retention.partitions_ahead.daily", 61, "must be a whole number from 1 to 60"),
        ("retention.partitions_ahead.daily", 1.5, "must be a whole number from 1 to 60"),
        ("retention.partitions_ahead.daily", "7", "must be a whole number from 1 to 60"),
        ("retention.partitions_ahead.daily", True, "must be a whole number from 1 to 60"),
        ("retention.partitions_ahead.monthly", 0, "must be a whole number from 1 to 24"),
        ("retention.partitions_ahead.monthly", 25, "must be a whole number from 1 to 24"),
        ("retention.archive_folder", "", FOLDER),
        ("retention.archive_folder", ".", FOLDER),
        ("retention.archive_folder", "/", FOLDER),
        ("retention.archive_folder", "../archive", FOLDER),
        ("retention.archive_folder", "~/archive", FOLDER),
        ("retention.archive_folder", None, FOLDER),
        ("retention.run_at_utc", 810, TIME),
        ("retention.run_at_utc", "3:30", TIME),
        ("retention.run_at_utc", "24:00", TIME),
        ("retention.run_at_utc", "03:60", TIME),
        ("retention.run_at_utc", "03:30:00", TIME),
        ("services.shipping", "yes", "must be true or false"),
        ("services.shipping", 1, "must be true or false"),
        ("services.retention", None, "must be true or false"),
        ("services.candles", True, f"{NO_SUCH}; there are: feeds, retention, shipping"),
        ("shipping.backend", "supabase", "must be one of auto, direct, rest"),
        ("shipping.direct_batch_events", 0, "must be a whole number from 1 to 50000"),
        ("shipping.direct_batch_events", 50_001, "must be a whole number from 1 to 50000"),
        ("shipping.rest_batch_events", 499, "must be a whole number from 500 to 1000"),
        ("shipping.rest_batch_events", 1001, "must be a whole number from 500 to 1000"),
        ("shipping.rest_batch_events", True, "must be a whole number from 500 to 1000"),
        ("shipping.poll_s", 0, "must be a number from 0.1 to 3600"),
        ("shipping.poll_s", 3601, "must be a number from 0.1 to 3600"),
        ("shipping.poll_s", True, "must be a number from 0.1 to 3600"),
        ("shipping.poll_s", "1", "must be a number from 0.1 to 3600"),
        ("shipping.poll_s", float("nan"), "must be a number from 0.1 to 3600"),
        ("storage.price_usd_per_gb_month", -1, "must be a number from 0 to 100"),
        ("storage.price_usd_per_gb_month", 101, "must be a number from 0 to 100"),
        ("storage.price_usd_per_gb_month", "free", "must be a number from 0 to 100"),
        ("storage.price_usd_per_gb_month", False, "must be a number from 0 to 100"),
        ("storage.size_limit_gb", 0, "must be a number above 0 and at most 1000000"),
        ("storage.size_limit_gb", float("inf"), "must be a number above 0 and at most 1000000"),
        ("storage.size_limit_gb", 1_000_001, "must be a number above 0 and at most 1000000"),
        ("storage.currency", "EUR", f"{NO_SUCH}; there are: price_usd_per_gb_month, size_limit_gb"),
        ("quotes", {}, f"{NO_SUCH}; there are: alerts, feeds, retention, server, services, shipping, storage"),
        ("feeds.sources", ["kraken"], ONE_OF_THE_SOURCES),
        ("feeds.sources", ["binance", "binance"], ONE_OF_THE_SOURCES),
        ("feeds.canary", "btcusdt", "must be a trading pair such as BTC-USDT"),
        ("feeds.polygon.rest_url", "ws://localhost", "must be an address, https://HOST or http://HOST"),
        ("feeds.polygon.stream_url", "https://localhost", "must be an address, wss://HOST or ws://HOST"),
        ("feeds.polygon.stream_url", "wss://localhost?apiKey=secret", "must be an address, wss://HOST or ws://HOST"),
    ],
)
def test_wrong_values_are_refused(field: str, value: Any, allowed: str, tmp_path: Path) -> None:
    assert refusal(tmp_path / "sidecar.yml", changed(field, value)) == f"{field} = {shown(value)}: {allowed}"


def settings_of(content: dict[str, Any], parent: str = "") -> Iterator[str]:
    for name, value in content.items():
        yield f"{parent}{name}"
        if isinstance(value, dict):
            yield from settings_of(value, f"{parent}{name}.")


@pytest.mark.parametrize("field", list(settings_of(read_yaml(SHIPPED))))
def test_no_setting_may_be_left_out(field: str, tmp_path: Path) -> None:
    assert refusal(tmp_path / "sidecar.yml", changed(field, MISSING)).startswith(f"{field}: is missing; must be ")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("retention.windows.ohlc_1m.archive_until", "31d"),
        ("retention.windows.ohlc_1m.archive_until", "2mo"),
        ("retention.windows.ml_features.keep", "50y"),
        ("retention.archive_folder", "/mnt/big/archive"),
        ("retention.run_at_utc", "00:00"),
        ("retention.run_at_utc", "23:59"),
        ("shipping.backend", "direct"),
        ("shipping.direct_batch_events", 1),
        ("shipping.rest_batch_events", 500),
        ("shipping.poll_s", 1),
        ("storage.price_usd_per_gb_month", 0),
        ("storage.size_limit_gb", 0.5),
        ("services.retention", False),
    ],
)
def test_other_sound_values_are_taken(field: str, value: Any, tmp_path: Path) -> None:
    path = tmp_path / "sidecar.yml"
    path.write_text(yaml.safe_dump(changed(field, value)))
    load_config(path)


def test_prices_are_what_the_file_says_to_the_last_digit(tmp_path: Path) -> None:
    path = tmp_path / "sidecar.yml"
    path.write_text(yaml.safe_dump(changed("storage.price_usd_per_gb_month", 0.1)))
    assert load_config(path).storage.price_usd_per_gb_month == Decimal("0.1")


def test_an_absolute_archive_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "sidecar.yml"
    path.write_text(yaml.safe_dump(changed("retention.archive_folder", "/mnt/archive")))
    assert load_config(path).retention.archive_in(tmp_path) == Path("/mnt/archive")


def test_a_wrong_keep_is_blamed_on_keep_alone(tmp_path: Path) -> None:
    content = changed("retention.windows.ohlc_1m.keep", "x")
    assert refusal(tmp_path / "sidecar.yml", content) == f"retention.windows.ohlc_1m.keep = x: {WINDOW}"


def test_several_faults_are_told_on_one_line(tmp_path: Path) -> None:
    content = changed("shipping.poll_s", 0)
    content["storage"]["size_limit_gb"] = 0
    path = tmp_path / "sidecar.yml"
    assert refusal(path, content) == (
        f"shipping.poll_s = 0: must be a number from 0.1 to 3600; "
        f"{path}: storage.size_limit_gb = 0: must be a number above 0 and at most 1000000"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("", f"must hold {LINES}"), ("- a\n", f"must hold {LINES}"), ("a: [1\n", "cannot be read as YAML: ")],
)
def test_a_file_without_settings_is_refused(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "sidecar.yml"
    path.write_text(text)
    with pytest.raises(SidecarConfigError) as refused:
        load_config(path)
    assert str(refused.value).startswith(f"{path}: {sentence}")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SidecarConfigError, match=r"sidecar\.yml: no such file; there are: none"):
        load_config(tmp_path / "sidecar.yml")


def test_its_errors_are_configuration_errors() -> None:
    assert issubclass(SidecarConfigError, ConfigError)


def test_the_homes_own_file_comes_first(tmp_path: Path) -> None:
    assert find_config(None) == find_config(tmp_path) == SHIPPED
    own = tmp_path / "conf" / "sidecar.yml"
    own.parent.mkdir()
    own.touch()
    assert find_config(tmp_path) == own


def test_a_link_to_nowhere_is_not_passed_over(tmp_path: Path) -> None:
    own = tmp_path / "conf" / "sidecar.yml"
    own.parent.mkdir()
    own.symlink_to(tmp_path / "nowhere.yml")
    with pytest.raises(SidecarConfigError, match="no such file"):
        load_config(find_config(tmp_path))


def parts(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from parts(field.annotation)


def test_nothing_has_a_default_and_nothing_changes_later() -> None:
    for model in parts(SidecarConfig):
        assert all(field.is_required() for field in model.model_fields.values()), model
        assert model.model_config["frozen"], model
        assert model.model_config["extra"] == "forbid", model


def test_hummingbot_is_not_loaded() -> None:
    name = sidecar_config.__name__
    code = f"import sys, {name}; sys.exit(any(m.split('.')[0] == 'hummingbot' for m in sys.modules))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=CHECKOUT)
