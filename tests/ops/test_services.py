"""The systemd unit, and settings of PostgreSQL and Redis, as the real programs take them."""

import os
import pwd
import re
import socket
import subprocess

import pytest
import stage as staging
from conftest import REPOSITORY, find, run

CONF = REPOSITORY / "conf"
UNIT = CONF / "systemd" / "budgetguard.service"
# What systemd-analyze calls "OK"; 10 is no protection at all.
EXPOSURE_MAX = 1.5
UNITS = {"kB": 1024, "MB": 1024**2, "GB": 1024**3, "ms": 1, "s": 1000, "min": 60_000}


def settings_of(file, pattern):
    lines = file.read_text().splitlines()
    return dict(re.fullmatch(pattern, line).groups() for line in lines if line and line[0] != "#")


# PostgreSQL


def test_postgresql_takes_every_setting(stage, tmp_path):
    """A server of its own, started as docker-compose.prod.yml starts it."""
    home, unprivileged = stage.folder / "tuned", []
    home.mkdir()
    if os.getuid() == 0:
        names = {user.pw_name: user for user in pwd.getpwall()}
        user = names.get("postgres", names["nobody"])
        os.chown(home, user.pw_uid, user.pw_gid)
        unprivileged = [
            "setpriv",
            f"--reuid={user.pw_uid}",
            f"--regid={user.pw_gid}",
            "--clear-groups",
        ]
    data, conf = home / "data", home / "postgresql.conf"
    conf.write_text((CONF / "postgresql.conf").read_text())
    conf.chmod(0o644)
    bin_folder, port = staging.postgres_bin(), staging.free_port()
    initdb = [bin_folder / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync"]
    run([*unprivileged, *initdb, "--encoding=UTF8", "--locale=C"], cwd=home)
    command = [*unprivileged, bin_folder / "postgres", "-D", data, "-c", f"config_file={conf}"]
    command += ["-c", "listen_addresses=127.0.0.1", "-p", str(port), "-k", home]
    options = {"answers": staging.answers_postgres, "stop_signal": 2}
    server = stage.run("tuned-postgres", home, port, command, **options)
    server.wait()

    def sql(statement):
        psql = [bin_folder / "psql", "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "-qAtX"]
        return run([*psql, "-c", statement]).splitlines()

    try:
        assert not sql("SELECT name, error FROM pg_file_settings WHERE error IS NOT NULL")
        seen = dict(
            line.split("|")
            for line in sql("SELECT lower(name), current_setting(name) FROM pg_settings")
        )
        wanted = settings_of(conf, r"(\w+) = '?([^']*)'?")
        assert len(wanted) > 25
        for name, value in wanted.items():
            assert plain(seen[name]) == plain(value), name
    finally:
        server.stop()


def plain(value):
    """A number in its smallest unit, whatever unit it is shown in."""
    match = re.fullmatch(r"([\d.]+)(kB|MB|GB|ms|s|min)", value)
    if match:
        return float(match[1]) * UNITS[match[2]]
    return float(value) if re.fullmatch(r"[\d.]+", value) else value


# Redis


def test_redis_takes_every_setting(stage, tmp_path):
    """Started as docker-compose.prod.yml starts it: the password comes from a file."""
    run([REPOSITORY / "scripts" / "make-secrets", tmp_path / "secrets"])
    secret = tmp_path / "secrets" / "redis_password_conf"
    port = staging.free_port()
    given = f"cat {CONF / 'redis.conf'} {secret} | exec redis-server - --port {port}"
    given += f" --bind 127.0.0.1 --dir {tmp_path}"
    server = subprocess.Popen(
        ["sh", "-c", given], stdout=subprocess.DEVNULL, preexec_fn=staging.end_with_parent
    )
    try:
        password = secret.read_text().split()[1]
        with connected(port) as connection:
            assert ask(connection, "PING").startswith("-NOAUTH")
            assert ask(connection, f"AUTH {password}") == "+OK"
            wanted = settings_of(CONF / "redis.conf", r"(\S+) \"?([^\"]*)\"?")
            assert len(wanted) > 10
            for name, value in wanted.items():
                seen = ask(connection, f"CONFIG GET {name}").split("\r\n")[4]
                assert seen == str(bytes_of(value)), name
            connection.sendall(b"SHUTDOWN NOSAVE\r\n")
        assert server.wait(15) == 0
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()


def connected(port):
    staging_error = None
    for _ in range(100):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=5)
        except OSError as error:
            staging_error = error
            staging.time.sleep(0.05)
    raise staging_error


def ask(connection, command):
    connection.sendall(f"{command}\r\n".encode())
    return connection.recv(65536).decode().removesuffix("\r\n")


def bytes_of(value):
    match = re.fullmatch(r"(\d+)(kb|mb|gb)", value)
    return int(match[1]) * {"kb": 1024, "mb": 1024**2, "gb": 1024**3}[match[2]] if match else value


# systemd


@pytest.fixture
def unit(binary, tmp_path):
    """The unit with the program where it is here, since it is not installed."""
    file = tmp_path / UNIT.name
    file.write_text(
        UNIT.read_text().replace("ExecStart=/usr/local/bin/budgetguard", f"ExecStart={binary}")
    )
    return file


def test_systemd_understands_the_unit(unit):
    done = subprocess.run([find("systemd-analyze"), "verify", unit], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_service_is_well_closed_off(unit):
    command = [
        find("systemd-analyze"),
        "security",
        "--offline=true",
        f"--threshold={EXPOSURE_MAX * 10:.0f}",
    ]
    run([*command, unit])


def test_the_unit_starts_what_there_is(unit, binary):
    text = UNIT.read_text()
    [start] = re.findall(r"^ExecStart=\S+ (.*)$", text, re.MULTILINE)
    run([binary, *start.split()[:1], "--help"])
    known = (CONF / "budgetguard.toml").read_text()
    for name, value in re.findall(r"^Environment=(\w+)=(.*)$", text, re.MULTILINE):
        assert re.search(rf"\[[^\]]*\b{name}\b", known), name
        assert (
            not value.startswith("file:")
            or value == f"file:%d/secrets_{value.split('secrets_')[1]}"
        )
    seconds = int(re.search(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)[1])
    drain = int(re.search(r"^shutdown_drain_s = (\d+)$", known, re.MULTILINE)[1])
    assert seconds > drain


def test_the_service_may_make_every_system_call_that_it_makes(stage, simulator, tmp_path):
    """A gateway that starts, serves and stops, watched by strace: without systemd there is no other
    way to see that the filter does not kill it."""
    allowed = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", UNIT.read_text(), re.MULTILINE):
        listed = set().union(*(expanded(name) for name in line.removeprefix("~").split()))
        allowed = allowed - listed if line.startswith("~") else allowed | listed
    # systemd lets these through always.
    allowed |= expanded("@default")
    port, trace = staging.free_port(), tmp_path / "trace"
    environment = {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "DATA_DIR": str(tmp_path / "data"),
        "ADMIN_API_KEY": staging.ADMIN_KEY,
        "OPENAI_BASE_URL": f"http://127.0.0.1:{simulator.port}",
        "OPENAI_KEY": "sk-provider-key",
        "DEFAULT_API_KEY": "key-of-the-first-tenant",
    }
    command = [
        find("strace"),
        "-f",
        "-q",
        "-o",
        trace,
        "-e",
        "signal=none",
        "-e",
        "status=successful,failed",
    ]
    command += [stage.binaries / "budgetguard", "serve"]
    options = {"environment": environment, "answers": staging.answers_get("/health")}
    watched = stage.run("watched", tmp_path, port, command, **options)
    watched.wait()
    headers = {"authorization": "Bearer key-of-the-first-tenant"}
    body = b'{"model":"gpt-4o-mini","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}'
    staging.call(port, "POST", "/v1/chat/completions", body, headers)
    # strace hands the signal on.
    [gateway] = [pid for pid in watched.pids() if pid != watched.process.pid]
    os.kill(gateway, 15)
    assert watched.process.wait(60) == 0, watched.log.read_text()
    made = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.MULTILINE))
    assert len(made) > 30
    assert made - allowed == set()


def expanded(name):
    """The system calls that a group of systemd stands for."""
    if not name.startswith("@"):
        return {name}
    lines = run([find("systemd-analyze"), "syscall-filter", name]).splitlines()[1:]
    names = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    return set().union(*(expanded(each) for each in names))
