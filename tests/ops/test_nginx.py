"""nginx in front of three gateways, by conf/nginx.conf: what passes, what a restart loses."""

import http.client
import json
import os
import re
import signal
import socket
import ssl
import threading
import time

import pytest
import stage as staging
from conftest import REPOSITORY, eventually, find, run

HOST = "budgetguard.example.com"
JSON_CALLERS, STREAM_CALLERS = 4, 4
# Each gateway is stopped and started again so often.
ROUNDS = int(os.environ.get("BUDGETGUARD_RESTART_ROUNDS", "1"))
# For how long all of them serve between two restarts.
SERVE_SECONDS = 0.5


@pytest.fixture(scope="module")
def nginx(stage, fleet):
    """The repository's configuration; only ports and paths are others."""
    folder = stage.folder / "nginx"
    folder.mkdir()
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += [
        "-nodes",
        "-days",
        "2",
        "-subj",
        f"/CN={HOST}",
        "-addext",
        f"subjectAltName=DNS:{HOST}",
    ]
    run([*command, "-keyout", key, "-out", certificate])
    plain, port = staging.free_port(), staging.free_port()
    text = (REPOSITORY / "conf" / "nginx.conf").read_text()
    for number, gateway in enumerate(fleet.gateways, 1):
        text = replaced(text, f"127.0.0.1:300{number}", f"127.0.0.1:{gateway.port}")
    text = replaced(text, "listen 80;", f"listen 127.0.0.1:{plain};")
    text = replaced(text, "listen 443 ", f"listen 127.0.0.1:{port} ")
    live = f"/etc/letsencrypt/live/{HOST}"
    text = replaced(text, f"{live}/fullchain.pem", certificate)
    text = replaced(text, f"{live}/privkey.pem", key)
    text = replaced(text, "/var/log/nginx/access.log", folder / "access.log")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"    {kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    text = replaced(text, "http {\n", f"http {{\n{paths}")
    conf = folder / "nginx.conf"
    conf.write_text(f"pid {folder}/nginx.pid;\nerror_log {folder}/error.log info;\n{text}")
    command = [find("nginx"), "-c", conf, "-p", folder]
    run([*command, "-t"])
    server = stage.run("nginx", folder, port, [*command, "-g", "daemon off;"])
    server.wait()
    server.plain = plain
    server.tls = ssl.create_default_context(cafile=str(certificate))
    # Lets its requests end.
    server.stop_signal = signal.SIGQUIT
    return server


def replaced(text, old, new):
    assert text.count(old) == 1, f"{old}: {text.count(old)} times"
    return text.replace(old, str(new))


class Connection(http.client.HTTPConnection):
    """By TLS, whose certificate is checked against the name. It opens itself again if it must."""

    def __init__(self, nginx):
        super().__init__(HOST, nginx.port, timeout=60)
        self.nginx = nginx

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", self.nginx.port), timeout=60)
        self.sock = self.nginx.tls.wrap_socket(plain, server_hostname=HOST)


def asked(connection, key, text, stream, max_tokens=200):
    messages = [{"role": "user", "content": text}]
    body = {
        "model": "gpt-4o-mini",
        "max_tokens": max_tokens,
        "messages": messages,
        "stream": stream,
    }
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
    return connection.getresponse()


def test_plain_http_is_led_to_tls(nginx):
    connection = http.client.HTTPConnection("127.0.0.1", nginx.plain, timeout=10)
    connection.request("GET", "/v1/models", headers={"host": HOST})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["location"]) == (301, f"https://{HOST}/v1/models")
    connection.close()


@pytest.mark.parametrize("path", ["/admin/status", "/dashboard", "/docs", "/metrics"])
def test_administration_stays_inside(nginx, path):
    connection = Connection(nginx)
    connection.request("GET", path, headers={"x-admin-key": staging.ADMIN_KEY})
    assert connection.getresponse().status == 403
    connection.close()


def test_each_chunk_of_a_stream_comes_when_it_is_sent(fleet, nginx):
    _, key = fleet.tenant("streams through nginx", "10")
    connection = Connection(nginx)
    answer = asked(connection, key, "[[sim output=10 chunks=10 delay_ms=50]]", stream=True)
    seen = []
    while line := answer.readline():
        if b"token" in line:
            seen.append(time.monotonic())
    connection.close()
    assert len(seen) == 10
    # All at once would be a few milliseconds.
    assert seen[-1] - seen[0] > 0.3


def test_a_conversation_by_websocket_passes(fleet, nginx):
    _, key = fleet.tenant("talks through nginx", "10")
    plain = socket.create_connection(("127.0.0.1", nginx.port), timeout=10)
    with nginx.tls.wrap_socket(plain, server_hostname=HOST) as connection:
        head = f"GET /v1/realtime?model=gpt-realtime HTTP/1.1\r\nHost: {HOST}\r\n"
        head += f"Authorization: Bearer {key}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        head += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
        connection.sendall(head.encode())
        received = connection.recv(65536)
        while b"session.created" not in received:
            assert (more := connection.recv(65536)), received
            received += more
    assert received.startswith(b"HTTP/1.1 101 ")


class Load:
    """Callers that ask one request after the other, until told to stop. None asks twice."""

    def __init__(self, nginx, key):
        self.nginx, self.key = nginx, key
        self.is_over = threading.Event()
        self.answered, self.lost = [], []
        callers = [False] * JSON_CALLERS + [True] * STREAM_CALLERS
        self.threads = [threading.Thread(target=self.call, args=(kind,)) for kind in callers]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self.threads:
            thread.join(60)

    def call(self, stream):
        connection = Connection(self.nginx)
        text = "[[sim output=20 chunks=20 delay_ms=20]]" if stream else "[[sim first_byte_ms=20]]"
        end = b"data: [DONE]\n\n" if stream else b"}"
        while not self.is_over.is_set():
            try:
                answer = asked(connection, self.key, text, stream)
                body = answer.read()
                if is_good := answer.status == 200 and body.endswith(end):
                    self.answered.append(answer.headers["x-budgetguard-request-id"])
                else:
                    self.lost.append(f"stream={stream}: {answer.status} {body[-200:]!r}")
            except (OSError, http.client.HTTPException) as error:
                is_good = False
                self.lost.append(f"stream={stream}: {error!r}")
            # nginx closes one after it could not pass a request on.
            if not is_good:
                connection.close()
        connection.close()


class Restarts:
    """Restarts under load, and whether everything was answered and recorded."""

    def __init__(self, fleet, nginx, name):
        self.fleet, self.nginx = fleet, nginx
        self.tenant, self.key = fleet.tenant(name, "1000")
        self.calls_before = self.calls()
        self.stops = []

    def calls(self):
        return self.fleet.provider_calls()["totals"]["calls"]

    def restart(self, gateway):
        began = time.monotonic()
        gateway.process.terminate()
        assert gateway.process.wait(60) == 0, gateway.log.read_text()
        self.stops.append(round(time.monotonic() - began, 2))
        gateway.start()
        gateway.wait()

    def check(self, load):
        answered = len(load.answered)
        print(f"{answered} answered, {len(load.lost)} lost, stops took {self.stops} s")
        assert not load.lost, self.errors(load.lost)
        assert answered > 100
        assert len(set(load.answered)) == answered
        query = f"SELECT count(*) FROM usage_ledger WHERE tenant_id = {self.tenant}"
        rows = lambda: int(self.fleet.database.sql(query))  # noqa: E731
        eventually(lambda: rows() >= answered, "rows are written")
        assert self.calls() - self.calls_before == answered == rows()
        assert self.has_reached_everybody(), "a gateway got no request after its restart"

    def has_reached_everybody(self):
        log = (self.nginx.folder / "access.log").read_text().splitlines()[-50:]
        used = {match[1] for line in log if (match := re.search(r":(\d+) \S+$", line))}
        return {str(gateway.port) for gateway in self.fleet.gateways} <= used

    def errors(self, lost):
        log = (self.nginx.folder / "error.log").read_text().splitlines()
        told = [line for line in log if "[error]" in line]
        return "\n".join([*lost[:10], *told[-20:]])


def test_a_restart_of_one_gateway_after_the_other_loses_no_request(fleet, nginx):
    restarts = Restarts(fleet, nginx, "does not notice")
    with Load(nginx, restarts.key) as load:
        for gateway in fleet.gateways * ROUNDS:
            restarts.restart(gateway)
            # nginx tries it again after `fail_timeout`.
            time.sleep(2 + SERVE_SECONDS)
    restarts.check(load)
