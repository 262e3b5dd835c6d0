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


@pytest.mark.parametrize(
    "content",
    [
        *(b"a: [1\n", b"a: b: c\n", b"\xff\xfe\x00", b"a: &x *y", b"a: 1\n---\nb: 2\n", b"a: !!python/object:x.Y {}"),
        # What YAML takes for a date or a number, and cannot make one of.
        *(b"a: 2025-13-45", b"a: !!int three", b"a: " + b"9" * 5000),
        b"a: " + b"[" * 5000,
    ],
    ids=lambda content: repr(content[:20]),
)
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


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\nb: 2\na: 3\n", "a = 3: must be given once, and is in line 1 and line 3"),
        ("a: 1\na: 1\n", "a = 1: must be given once, and is in line 1 and line 2"),
        ("a:\n  b: 1\n  b: 2\n", "b = 2: must be given once, and is in line 2 and line 3"),
        ("a: 1\na: [2]\n", "a: must be given once, and is in line 1 and line 2"),
        ("a: 1\n'a': 2\n", "a = 2: must be given once, and is in line 1 and line 2"),
        ("a: 1\n3: 4\n", "3 = 4: must have a name that is text, in line 2"),
        ("yes: 4\n", "yes = 4: must have a name that is text, in line 1"),
        ("null: 4\n", "null = 4: must have a name that is text, in line 1"),
        ("? [a]\n: 4\n", "['a']: must have a name that is text, in line 1"),
    ],
)
def test_a_name_is_text_and_given_once(text: str, sentence: str, tmp_path: Path) -> None:
    """YAML itself would keep the last of two, and say nothing."""
    path = tmp_path / "probe.yml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        read_yaml(path)
    assert str(refused.value) == f"{path}: {sentence}"


def test_what_is_merged_in_may_be_given_again(tmp_path: Path) -> None:
    path = tmp_path / "probe.yml"
    path.write_text("base: &base {a: 1, b: 2}\nmine:\n  <<: *base\n  b: 3\n")
    assert read_yaml(path)["mine"] == {"a": 1, "b": 3}
