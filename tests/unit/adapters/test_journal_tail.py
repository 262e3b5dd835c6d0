"""A journal read beyond a cursor while it grows, and a file that is not what it was."""

from pathlib import Path

import pytest

from shared.adapters.journal_tail import JournalTail
from shared.adapters.sqlite_journal import SqliteJournal
from shared.ports import JournalError
from tests.journals import write_journal

RUN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def test_batches_follow_each_other_without_a_gap(path: Path) -> None:
    write_journal(path, RUN, 25)
    tail = JournalTail(path, "bot")
    tail.begin()
    seqs: list[int] = []
    while batch := tail.read(seqs[-1] if seqs else 0, 10):
        assert len(batch) <= 10
        assert (batch.journal_id, batch.bot, batch.after_seq) == (RUN, "bot", seqs[-1] if seqs else 0)
        seqs += batch.seqs
    assert seqs == list(range(1, 26))
    assert tail.last_seq() == 25
    tail.close()


def test_what_is_appended_later_is_read_later(path: Path) -> None:
    write_journal(path, RUN, 5)
    tail = JournalTail(path, "bot")
    tail.begin()
    assert len(tail.read(5, 10)) == 0
    write_journal(path, "f" * 32, 3)
    assert list(tail.read(5, 10).run_ids) == ["f" * 32] * 3
    # A journal keeps the name of its first run.
    assert tail.read(5, 10).journal_id == RUN
    tail.close()


def test_an_empty_journal_has_no_name_yet(path: Path) -> None:
    SqliteJournal(path, RUN).close()
    tail = JournalTail(path, "bot")
    tail.begin()
    assert tail.journal_id is None
    assert tail.last_seq() == 0
    write_journal(path, RUN, 1)
    tail.begin()
    assert tail.journal_id == RUN
    tail.close()


def test_a_file_in_its_place_is_noticed(path: Path) -> None:
    write_journal(path, RUN, 1)
    tail = JournalTail(path, "bot")
    assert not tail.is_replaced()
    path.rename(path.with_suffix(".old"))
    assert tail.is_replaced()
    write_journal(path, RUN, 1)
    assert tail.is_replaced()
    tail.close()


def test_no_journal(path: Path) -> None:
    with pytest.raises(JournalError, match="there is no journal here; run the bot first"):
        JournalTail(path, "bot")


def test_a_file_that_is_no_journal(path: Path) -> None:
    path.write_bytes(b"no database at all" * 100)
    tail = JournalTail(path, "bot")
    with pytest.raises(JournalError, match="cannot read the journal"):
        tail.begin()
    tail.close()
