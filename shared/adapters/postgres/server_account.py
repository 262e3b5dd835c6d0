"""Who the embedded server's commands run as: Postgres refuses to run as root."""

import os
import pwd
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from shared.ports import StoreError

# Recovery after a crash replays up to max_wal_size; a slow disk takes minutes for it.
PATIENCE_S = 300
# A user namespace in which root is an ordinary user: Postgres consents, files stay root's, no permission is widened.
_AS_ORDINARY_USER = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
_REACHABLE = 'test -x "$0" && test -x "$1"'


class EmbeddedPostgresError(StoreError):
    """The embedded Postgres cannot be made, started or stopped. The message is one sentence."""


@dataclass(frozen=True)
class Account:
    """Who the server's commands run as: this process's user, the same inside a namespace, or another (uid, gid)."""

    prefix: tuple[str, ...] = ()
    user: tuple[int, int] | None = None

    def own(self, folder: Path, *trees: Path) -> None:
        """Give a folder itself, and other folders with all that is in them, to the user where it is another one."""
        if self.user is not None:
            for place in (folder, *trees, *(inside for tree in trees for inside in tree.rglob("*"))):
                os.chown(place, *self.user, follow_symlinks=False)

    def run(
        self, *command: str | Path, cwd: Path = Path("/"), keep_open: int | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end; its output and errors come together."""
        uid, gid = self.user or (None, None)
        return subprocess.run(
            [*self.prefix, *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=PATIENCE_S + 30,
            cwd=cwd,  # where this process is, the other user may not be allowed
            # PGPORT and its like would be obeyed; messages are searched, so they are in English.
            env={name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"},
            pass_fds=() if keep_open is None else (keep_open,),
            user=uid,
            group=gid,
            extra_groups=None if uid is None else (),
        )


@cache
def namespaces_work() -> bool:
    """Whether root may be an ordinary user here: a container's default refuses it."""
    try:
        return Account(prefix=_AS_ORDINARY_USER).run("true").returncode == 0
    except OSError:
        return False


def account_for(cluster: Path, server: Path) -> Account:
    """The account for a cluster that is there or will be: this process's user unless that is root.

    Raises:
        EmbeddedPostgresError: It is root, and may be nobody else here.
    """
    if os.geteuid() != 0:
        return Account()
    owner = cluster.stat() if cluster.exists() else None
    if owner is not None and owner.st_uid != 0:
        return Account(user=(owner.st_uid, owner.st_gid))
    if namespaces_work():
        return Account(prefix=_AS_ORDINARY_USER)
    folder = cluster.parent
    with suppress(KeyError):
        nobody = Account(user=pwd.getpwnam("nobody")[2:4])
        if nobody.run("/bin/sh", "-c", _REACHABLE, server, folder.parent).returncode == 0:
            return nobody
    raise EmbeddedPostgresError(
        f"{folder}: Postgres refuses to run as root; run this as an ordinary user or name a database in DATABASE_URL"
    )
