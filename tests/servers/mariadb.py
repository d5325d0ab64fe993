"""A private MariaDB."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy

from tests.servers import free_port, need


@contextmanager
def running() -> Iterator[str]:
    """Give the address of a server with an empty database."""
    daemon, install = need(shutil.which("mariadbd"), "MariaDB"), need(shutil.which("mariadb-install-db"), "MariaDB")
    folder, port, null = Path(tempfile.mkdtemp(prefix="syncflow-mariadb-")), free_port(), subprocess.DEVNULL
    user = []
    if os.geteuid() == 0:
        owner = pwd.getpwnam("mysql")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        user = ["--user=mysql"]
    data = f"--datadir={folder / 'data'}"
    made = [install, "--no-defaults", data, "--auth-root-authentication-method=normal", "--skip-test-db", *user]
    subprocess.run(made, stdin=null, stdout=null, stderr=null, check=True)
    started = [
        daemon,
        "--no-defaults",
        data,
        f"--port={port}",
        "--bind-address=127.0.0.1",
        f"--socket={folder / 'socket'}",
    ]
    process = subprocess.Popen(
        [*started, "--innodb-buffer-pool-size=32M", *user], stdin=null, stdout=null, stderr=null, cwd="/"
    )
    try:
        _set_up(str(folder / "socket"))
        yield f"mysql://reader:secret-word@127.0.0.1:{port}/crm"
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _set_up(socket: str) -> None:
    engine = sqlalchemy.create_engine(f"mysql+pymysql://root@localhost/?unix_socket={socket}")
    for _ in range(600):
        try:
            with engine.begin() as connection:
                connection.exec_driver_sql("CREATE DATABASE crm")
                connection.exec_driver_sql("GRANT ALL ON *.* TO reader@'127.0.0.1' IDENTIFIED BY 'secret-word'")
        except sqlalchemy.exc.OperationalError:
            time.sleep(0.1)
        else:
            engine.dispose()
            return
    raise AssertionError("MariaDB does not start")
