"""The documents name only what exists: files, links, commands, options, make targets, events, reasons, exit codes."""

import re
from collections.abc import Iterator
from pathlib import Path

import hummingbot
import pytest
import typer
from typer.core import TyperGroup

from shared.cli import errors
from shared.cli.main import app
from shared.domain.events import Event
from shared.domain.signals import Refusal

CHECKOUT = Path(__file__).resolve().parents[2]
DOCUMENTS = [CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]

_FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)#\s]+)(#[^)]*)?\)")
_TOP_LEVEL = ("conf/", "controllers/", "docs/", "hummingbot_scripts/", "requirements/", "shared/", "tests/", ".ci/")
_SUFFIXES = (".py", ".md", ".yml", ".toml", ".lock", ".in", ".svg")
# Written by Hummingbot or by a run into a home, not part of the checkout.
_IN_A_HOME = (
    "conf/conf_client.yml",
    "conf/hummingbot_logs.yml",
    "conf/conf_fee_overrides.yml",
    "conf/connectors",
    "data/",
    "logs/",
)
_MADE_BY_HUMMINGBOT = frozenset(Path(path).name for path in _IN_A_HOME if path.endswith(".yml"))
_PLACEHOLDER = re.compile(r"NAME|RELEASE|FOLDER|[<>$…]")


each_document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=[path.relative_to(CHECKOUT).as_posix() for path in DOCUMENTS]
)


def prose_spans(document: Path) -> Iterator[str]:
    """Text in backticks outside of code blocks."""
    yield from _SPAN.findall(_FENCED.sub("", document.read_text()))


def code_lines(document: Path) -> Iterator[str]:
    """Lines of code blocks, with continued lines joined, and text in backticks."""
    for block in _FENCED.findall(document.read_text()):
        yield from block.replace("\\\n", " ").splitlines()[1:-1]
    yield from prose_spans(document)


def is_path(span: str) -> bool:
    """Whether a span names a file or folder of this checkout or of Hummingbot."""
    if " " in span or _PLACEHOLDER.search(span) or span.startswith(_IN_A_HOME) or span in _MADE_BY_HUMMINGBOT:
        return False
    return span.startswith((*_TOP_LEVEL, "hummingbot/")) or span.endswith(_SUFFIXES)


def exists(span: str) -> bool:
    """Whether a path is there: from the top, by its bare name anywhere in the checkout, or in Hummingbot's package."""
    if span.startswith("hummingbot/"):
        return (Path(hummingbot.__file__).parent.parent / span).exists()
    if "/" in span:
        return any(CHECKOUT.glob(span.rstrip("/")))
    return (CHECKOUT / span).exists() or any(any((CHECKOUT / top).rglob(span)) for top in _TOP_LEVEL)


@each_document
def test_paths_exist(document: Path) -> None:
    missing = [span for span in prose_spans(document) if is_path(span) and not exists(span)]
    assert missing == []


@each_document
def test_links_resolve(document: Path) -> None:
    targets = [target for target, _ in _LINK.findall(document.read_text()) if "://" not in target]
    missing = [target for target in targets if not (document.parent / target).exists()]
    assert missing == []


def commands() -> dict[str, set[str]]:
    """Each subcommand of `recovery` with its options, those of a group by both names: "storage enforce"."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return dict(_commands_of(group, ""))


def _commands_of(group: TyperGroup, prefix: str) -> Iterator[tuple[str, set[str]]]:
    for name, command in group.commands.items():
        yield prefix + name, {"--help", *(option for parameter in command.params for option in parameter.opts)}
        if isinstance(command, TyperGroup):
            yield from _commands_of(command, f"{prefix}{name} ")


# What follows these is another program's, and not ours to know.
_PASS_ARGUMENTS_ON = {"hbot", "db psql"}


@each_document
def test_commands_and_options_exist(document: Path) -> None:
    known = commands()
    wrong: list[str] = []
    for line in code_lines(document):
        for called in re.finditer(r"(?:^|[\s/])recovery ([a-z]+)(?: ([a-z]+)(?![a-z-]*=))?([^|;]*)", line):
            name, rest = called.group(1), (called.group(3) or "").split("#")[0]
            if any(command.startswith(f"{name} ") for command in known) and called.group(2):
                name = f"{name} {called.group(2)}"
            if name not in known:
                wrong.append(f"recovery {name}")
            if name not in _PASS_ARGUMENTS_ON:
                wrong += [f"recovery {name} {option}" for option in _options(rest) if option not in known.get(name, ())]
        for arguments in re.findall(r'make run .*ARGS="([^"]*)"', line):
            wrong += [f"make run {option}" for option in _options(arguments) if option not in known["run"]]
    assert wrong == []


def _options(text: str) -> list[str]:
    return re.findall(r"(?<!\S)--[a-z][a-z-]*", text)


def test_options_named_alone_in_the_readme_exist() -> None:
    # Options of other programs, named where those are spoken of.
    others = {"--script", "--conf", "--v2", "--detach"}
    known = set().union(*commands().values()) | others
    spans = [span for span in prose_spans(CHECKOUT / "README.md") if span.startswith("--")]
    assert [span for span in spans if span.split()[0] not in known] == []


def test_every_command_is_in_the_readme() -> None:
    text = (CHECKOUT / "README.md").read_text()
    for name in commands():
        group, _, last = name.rpartition(" ")
        assert f"`recovery {group or name}`" in text
        assert f"`{last}`" in text or not group, name


@each_document
def test_make_targets_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
    named = [name for line in code_lines(document) for name in re.findall(r"(?:^|\s)make ([a-z-]+)", line)]
    assert [name for name in named if name not in targets] == []


def test_the_architecture_lists_every_event() -> None:
    text = (CHECKOUT / "docs/architecture.md").read_text()
    kinds = [each.__dataclass_fields__["kind"].default for each in Event.__args__]
    assert [kind for kind in kinds if f"| `{kind}` |" not in text] == []


def test_the_runbook_explains_every_refusal_and_exit_code() -> None:
    text = (CHECKOUT / "docs/runbook.md").read_text()
    codes = (errors.OK, errors.MISMATCH, errors.BAD_INPUT, errors.TIMED_OUT)
    assert [reason.value for reason in Refusal if f"| `{reason.value}` |" not in text] == []
    assert [code for code in codes if f"\n| {code} |" not in text] == []


def test_every_decision_has_its_four_parts() -> None:
    for record in sorted((CHECKOUT / "docs/decisions").glob("*.md")):
        text = record.read_text()
        assert text.startswith(f"# {record.name[:4]} "), record.name
        assert [
            part for part in ("Context", "Decision", "Consequences", "Evidence") if f"**{part}.**" not in text
        ] == []
