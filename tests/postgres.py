"""A PostgreSQL server of Debian's package, for the tests: on 127.0.0.1, in a temporary folder."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from sqlalchemy import NullPool, create_engine, text

USER = "pagelens"
PASSWORD = "a-password-that-nobody-may-read"

# Whom Debian's package makes for it: PostgreSQL does not run as root.
SYSTEM_USER = "postgres"

MISSING = "no PostgreSQL server: apt-get install postgresql"


def find_programs() -> Path | None:
    """The folder of `initdb` and `pg_ctl`, out of PATH in Debian; None where there is none."""
    found = shutil.which("pg_ctl")
    if found:
        return Path(found).resolve().parent
    folders = sorted(path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    return folders[-1] if folders else None


class PostgresServer:
    """A running server; each test makes a database of its own."""

    def __init__(self, programs: Path, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._programs = programs
        self._folder = folder
        self._names = (f"library_{i}" for i in count(1))

    def start(self) -> None:
        (self._folder / "password").write_text(PASSWORD)
        if os.getuid() == 0:
            owner = pwd.getpwnam(SYSTEM_USER)
            for path in (self._folder, self._folder / "password"):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        self._run("initdb", "--username", USER, "--pwfile", self._folder / "password",
                  "--auth", "scram-sha-256", "--encoding", "UTF8", "--no-sync")  # fmt: skip
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= "
        self._run("pg_ctl", "start", "--wait", "--log", self._folder / "log",
                  "--options", options + "-c fsync=off")  # fmt: skip

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "--wait", "--mode", "immediate")

    def url(self, database: str, password: str = PASSWORD) -> str:
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/{database}"

    def create_database(self) -> str:
        """The URL of a new, empty database."""
        name = next(self._names)
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def execute(self, statement: str) -> None:
        """Has the server do something outside the databases of the tests."""
        url = self.url("postgres").replace("://", "+psycopg://")
        engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            connection.execute(text(statement))

    def _run(self, program: str, *arguments: str | Path) -> None:
        who = {"user": SYSTEM_USER, "group": SYSTEM_USER} if os.getuid() == 0 else {}
        with (self._folder / "programs.log").open("a+") as told:
            ended = subprocess.run(
                [self._programs / program, "--pgdata", self._folder / "data", *arguments],
                cwd=self._folder,
                stdout=told,
                stderr=subprocess.STDOUT,
                timeout=120,
                **who,
            )
            told.seek(0)
            assert ended.returncode == 0, told.read()


@contextmanager
def run_postgres(programs: Path) -> Iterator[PostgresServer]:
    # Not below pytest's own folder, which only root may enter.
    with tempfile.TemporaryDirectory(prefix="pagelens-postgres-") as folder:
        server = PostgresServer(programs, Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()
