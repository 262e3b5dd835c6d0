"""The home: made once, left alone where it has folders of its own, held by one bot, entered before the client."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import hummingbot
import pytest

from shared.bot import home as homes
from shared.bot.home import CHECKOUT, HomeError

PACKAGE = Path(hummingbot.__file__).resolve().parent


def test_a_home_has_hummingbots_folders_and_links_to_ours(tmp_path: Path) -> None:
    home = homes.prepare(tmp_path / "a" / "home")
    assert home.is_absolute()
    for folder in ("data", "logs", "conf/connectors", "conf/strategies"):
        assert (home / folder).is_dir()
    for name, target in (
        ("scripts", "hummingbot_scripts"),
        ("controllers", "controllers"),
        ("shared", "shared"),
        ("conf/controllers", "conf/controllers"),
        ("conf/scripts", "conf/scripts"),
    ):
        assert (home / name).resolve() == CHECKOUT / target
    assert (home / "hummingbot").resolve() == PACKAGE


def test_what_is_already_there_is_left_alone(tmp_path: Path) -> None:
    own = tmp_path / "conf" / "controllers"
    own.mkdir(parents=True)
    (own / "mine.yml").write_text("mine")
    for _ in range(2):
        homes.prepare(tmp_path)
    assert not own.is_symlink()
    assert (own / "mine.yml").read_text() == "mine"


def test_a_link_to_another_release_is_set_right(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "hummingbot").symlink_to(tmp_path / "elsewhere")
    homes.prepare(tmp_path)
    assert (tmp_path / "hummingbot").resolve() == PACKAGE


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HomeError) as refused:
        homes.prepare(tmp_path / "file" / "home")
    assert str(refused.value) == f"{tmp_path / 'file' / 'home'}: cannot be made a home: Not a directory"


def test_a_home_keeps_to_the_release_that_ran_in_it_first(tmp_path: Path) -> None:
    homes.prepare(tmp_path)
    (tmp_path / ".hummingbot_release").write_text("19990101\n")
    with pytest.raises(HomeError) as refused:
        homes.prepare(tmp_path)
    assert str(refused.value) == (
        f"{tmp_path}: belongs to Hummingbot 19990101, this is {version('hummingbot')}; choose another home with --home"
    )


def test_the_default_home_is_named_or_one_a_release(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RECOVERY_HOME", str(tmp_path))
    assert homes.default_home() == tmp_path
    for unset in ("", None):
        monkeypatch.setenv("RECOVERY_HOME", unset) if unset is not None else monkeypatch.delenv("RECOVERY_HOME")
        assert homes.default_home() == CHECKOUT / "home" / version("hummingbot")


def test_one_bot_a_home(tmp_path: Path) -> None:
    home = homes.prepare(tmp_path)
    holder = "import sys; from pathlib import Path; from shared.bot import home\n"
    holder += "with home.lock(Path(sys.argv[1])):\n    print('held', flush=True); sys.stdin.read()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", holder, str(home)], stdin=pipe, stdout=pipe, cwd=CHECKOUT) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(HomeError, match=f"locked by process {other.pid}: one bot a home"), homes.lock(home):
            raise AssertionError("both hold it")
        other.kill()
    with homes.lock(home), pytest.raises(HomeError, match="locked by process"), homes.lock(home):
        raise AssertionError("both hold it")
    with homes.lock(home):
        """A killed bot's lock is free again."""


def test_databases_are_set_aside_and_the_journal_stays(tmp_path: Path) -> None:
    data = homes.prepare(tmp_path) / "data"
    homes.set_databases_aside(tmp_path, keep="journal.sqlite")
    assert not (data / "previous").exists()
    for name in ("bot.sqlite", "journal.sqlite", "note.txt"):
        (data / name).write_text("first")
    homes.set_databases_aside(tmp_path, keep="journal.sqlite")
    (data / "bot.sqlite").write_text("second")
    homes.set_databases_aside(tmp_path, keep="journal.sqlite")
    assert sorted(path.name for path in data.iterdir() if path.is_file()) == ["journal.sqlite", "note.txt"]
    assert (data / "previous" / "bot.sqlite").read_text() == "second"


def test_this_process_is_in_its_home(bot_home: Path) -> None:
    from hummingbot.client import settings

    assert hummingbot.root_path() == bot_home
    assert Path(hummingbot.data_path()) == bot_home / "data"
    assert Path(settings.CONTROLLERS_CONF_DIR_PATH) == bot_home / "conf" / "controllers"
    assert Path(settings.CLIENT_CONFIG_PATH).parent == bot_home / "conf"
    assert (bot_home / "conf" / "hummingbot_logs.yml").is_file()


def test_once_the_client_is_imported_it_is_too_late(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match="client was imported before the home was set"):
        homes.enter(tmp_path)


def test_preparing_and_entering_import_no_client(tmp_path: Path) -> None:
    """Or no process could set its home in time."""
    program = "import sys; from pathlib import Path; from shared.bot import home\n"
    program += "home.enter(home.prepare(Path(sys.argv[1])))\n"
    program += "assert not [name for name in sys.modules if name.startswith('hummingbot.client')]\n"
    program += "assert Path.cwd() == Path(sys.argv[1]) and sys.path[0] == sys.argv[1]\n"
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, cwd=CHECKOUT)
