# SPDX-License-Identifier: GPL-3.0-only
"""A throw-away authority and its certificates, made with openssl."""
import ssl
import subprocess
from pathlib import Path

NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


class Authority:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.file = self.folder / "ca.pem"
        self._openssl("req", "-x509", *NEW_KEY, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test authority", "-days", "2")

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def certificate(self, name, subject, days=2):
        """NAME.pem and NAME.key for subjectAltName=SUBJECT; returns both paths."""
        self._openssl("req", *NEW_KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", "/CN=x")
        (self.folder / "ext").write_text(f"subjectAltName={subject}\n")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "ext",
                      "-out", f"{name}.pem", "-days", str(days))
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"

    def common_name(self, name, subject):
        """A certificate without alternative names, as authorities have not signed them for long."""
        self._openssl("req", *NEW_KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={subject}")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", f"{name}.pem",
                      "-days", "2")

    def self_signed(self, name, subject):
        self._openssl("req", "-x509", *NEW_KEY, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", "/CN=x", "-addext",
                      f"subjectAltName={subject}", "-days", "2")

    def server_context(self, name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        return context

    def client_context(self):
        return ssl.create_default_context(cafile=str(self.file))
