"""Certificates for 127.0.0.1 by an authority of our own, made by openssl, for any time."""

import ssl
import subprocess

CONFIG = """
[ca]
default_ca = ours
[ours]
database = index
rand_serial = yes
new_certs_dir = .
default_md = sha256
policy = any
x509_extensions = names
[any]
commonName = supplied
[names]
subjectAltName = IP:127.0.0.1
"""
VALID = ("20200101000000Z", "20491231235959Z")
EXPIRED = ("20200101000000Z", "20200131235959Z")
OPENSSL_SECONDS_MAX = 60


class Authority:
    """What signs, in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        (folder / "config").write_text(CONFIG)
        (folder / "index").touch()
        self.file = folder / "ca.pem"
        new_key = ("-newkey", "rsa:2048", "-nodes", "-subj", "/CN=authority of the bench")
        self.openssl("req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem")

    def server_context(self, name, start_and_end):
        """What a server needs to speak TLS with a certificate of that time."""
        new_key = ("-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}")
        self.openssl("req", *new_key, "-keyout", f"{name}.key", "-out", f"{name}.csr")
        start, end = start_and_end
        signed = ("-startdate", start, "-enddate", end, "-in", f"{name}.csr", "-out", f"{name}.pem")
        by = ("-batch", "-config", "config", "-cert", "ca.pem", "-keyfile", "ca.key", "-notext")
        self.openssl("ca", *by, *signed)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        return context

    def openssl(self, *words):
        done = subprocess.run(
            ["openssl", *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=OPENSSL_SECONDS_MAX,
        )
        if done.returncode != 0:
            raise SystemExit(f"openssl {words[0]}: {done.stderr}")
