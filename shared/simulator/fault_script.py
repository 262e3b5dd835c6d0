"""Faults as people write them: a YAML file for `recovery venue --faults`, JSON for the venue's control address.

```
faults:
- {where: polygon, part: stream, kind: close, code: 1008, after_s: 120}
- {where: polygon, kind: down, after_s: 300, for_s: 180}
- {where: binance, part: rest, kind: status, status: 429, retry_after_s: 30, times: 3}
```
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.adapters.settings_file import read_yaml
from shared.simulator.fault_kinds import Evict, Kind, Moment, Part, Where
from shared.simulator.faults import Fault, FaultError
from shared.wire.config_errors import ConfigError, describe

_MOST_BYTES = 64 * 1024 * 1024
_Seconds = Annotated[float, Field(ge=0, le=31_536_000, allow_inf_nan=False)]


class FaultSettings(BaseModel):
    """One fault; what each field says, and which kinds have it: `shared.simulator.faults.Fault`."""

    model_config = ConfigDict(extra="forbid")

    where: Where
    kind: Kind
    part: Part | None = None
    symbol: Annotated[str, Field(pattern=r"^[A-Z0-9]+-[A-Z0-9]+$")] | None = None
    after_s: _Seconds = 0.0
    at: datetime | None = None
    for_s: _Seconds | None = None
    times: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    moment: Moment | None = None
    code: Annotated[int, Field(ge=1000, le=4999)] | None = None
    status: Annotated[int, Field(ge=400, le=599)] | None = None
    retry_after_s: _Seconds | None = None
    delay_s: _Seconds | None = None
    skew_s: Annotated[float, Field(ge=-86_400, le=86_400, allow_inf_nan=False)] | None = None
    evict: Evict | None = None
    size_bytes: Annotated[int, Field(ge=1, le=_MOST_BYTES)] | None = None

    def fault(self) -> Fault:
        """As the engine has it.

        Raises:
            FaultError: The fields do not fit together.
        """
        fields = self.model_dump(exclude={"at"})
        if self.at is None:
            return Fault(**fields)
        if self.at.tzinfo is None:
            raise FaultError(f"at = {self.at.isoformat()}: must name its time zone, as in 2026-01-26T12:00:00Z")
        return Fault(**fields, at_ms=int(self.at.timestamp() * 1000))


class _Script(BaseModel):
    model_config = ConfigDict(extra="forbid")

    faults: list[FaultSettings]


def read_script(path: Path) -> list[Fault]:
    """The faults of a file.

    Raises:
        ConfigError: It is no such file; the message says where.
    """
    content = read_yaml(path)
    try:
        script = _Script.model_validate(content)
    except ValidationError as error:
        raise ConfigError(describe(path, error, _Script)) from error
    faults = []
    for place, settings in enumerate(script.faults):
        try:
            faults.append(settings.fault())
        except FaultError as error:
            raise ConfigError(f"{path}: faults.{place}.{error}") from error
    return faults


def read_fault(content: Mapping[str, Any]) -> Fault:
    """One fault of a control call.

    Raises:
        ConfigError: It cannot be.
    """
    try:
        return FaultSettings.model_validate(content).fault()
    except ValidationError as error:
        raise ConfigError(describe("fault", error, FaultSettings)) from error
    except FaultError as error:
        raise ConfigError(f"fault: {error}") from error
