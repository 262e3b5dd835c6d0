"""A file of settings is a mapping in YAML; whatever else it is, one sentence says so."""

from pathlib import Path

import pytest

from shared.adapters.settings_file import read_yaml
from shared.wire.config_errors import ConfigError


def test_settings_are_read(tmp_path: Path) -> None:
    path = tmp_path / "probe.yml"
    path.write_text("a: 1\nb: {c: [x, null]}\n")
    assert read_yaml(path) == {"a": 1, "b": {"c": ["x", None]}}


@pytest.mark.parametrize("text", ["- a\n- b\n", "just text\n", "", "3\n"])
def test_yaml_that_is_no_mapping_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "probe.yml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        read_yaml(path)
    assert str(refused.value) == f"{path}: must hold settings as `name: value` lines"


@pytest.mark.parametrize("content", [b"a: [1\n", b"a: b: c\n", b"\xff\xfe\x00", b"a: &x *y"])
def test_what_is_no_yaml_is_refused_in_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "probe.yml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        read_yaml(path)
    assert str(refused.value).startswith(f"{path}: cannot be read as YAML: ")
    assert "\n" not in str(refused.value)


def test_a_missing_file_lists_what_exists(tmp_path: Path) -> None:
    for name in ("b.yml", "a.yml", "c.txt"):
        (tmp_path / name).touch()
    with pytest.raises(ConfigError) as refused:
        read_yaml(tmp_path / "probe.yml")
    assert str(refused.value) == f"{tmp_path / 'probe.yml'}: no such file; there are: a.yml, b.yml"
    with pytest.raises(ConfigError, match="no such file; there are: none"):
        read_yaml(tmp_path / "elsewhere" / "probe.yml")
