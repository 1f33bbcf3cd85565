"""Who the server is and whom it knows: a CA with two certificates, a bearer token, and a kubeconfig of all that."""
import base64
import ipaddress
import os
import secrets
import ssl
import subprocess

import yaml

NAMES = ("localhost", "kubernetes", "kubernetes.default.svc")
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30")


class Identity:
    def __init__(self, directory, address):
        self.directory, self.address = directory, address
        self.token, self.context = "", None

    def path(self, name):
        return self.directory / name

    def take_up(self, secure):
        """Becomes who it was when it last used this directory, if it did."""
        if secure and not self.path("ca.crt").exists():
            self.make_certificates()
        if self.path("token").exists():
            self.token = self.path("token").read_text()
        else:
            self.renew_token()
            self.write_token()

    # Certificates -----------------------------------------------------------------------------------------------------
    def make_certificates(self):
        self.openssl("ca", "/CN=viaduct test CA", "basicConstraints=critical,CA:TRUE")
        addresses = {"127.0.0.1", "::1", self.address}
        names = ",".join([f"DNS:{name}" for name in NAMES] + [f"IP:{ipaddress.ip_address(each)}" for each in addresses])
        self.openssl("server", "/CN=kube-apiserver", f"subjectAltName={names}", signed=True)
        self.openssl("client", "/O=system:masters/CN=administrator", "extendedKeyUsage=clientAuth", signed=True)

    def openssl(self, name, subject, extension, signed=False):
        signer = ("-CA", self.path("ca.crt"), "-CAkey", self.path("ca.key")) if signed else ()
        subprocess.run(["openssl", "req", "-x509", *CURVE, "-subj", subject, "-addext", extension, *signer, "-keyout",
                        self.path(f"{name}.key"), "-out", self.path(f"{name}.crt")], check=True, capture_output=True)

    def tls(self):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.set_alpn_protocols(["http/1.1"])
        self.context.verify_mode = ssl.CERT_OPTIONAL
        self.trust()
        return self.context

    def trust(self):
        self.context.load_cert_chain(self.path("server.crt"), self.path("server.key"))
        self.context.load_verify_locations(self.path("ca.crt"))

    def renew_certificates(self):
        """Another CA with other certificates, for the connections from now on."""
        self.make_certificates()
        if self.context:
            self.trust()

    # Tokens -----------------------------------------------------------------------------------------------------------
    def renew_token(self):
        """From now on only a new token is known. It gets into its file by write_token()."""
        self.token = secrets.token_urlsafe(24)

    def write_token(self):
        fresh = self.path("token.new")
        fresh.write_text(self.token)
        os.replace(fresh, self.path("token"))

    def knows(self, request):
        return request.certified or request.headers.get("authorization", "") == f"Bearer {self.token}"

    # For clients ------------------------------------------------------------------------------------------------------
    def write_kubeconfig(self, url):
        """Its contexts are `token`, for the gateway, and `certificate`, for an administrator, who may do everything."""
        def data(name):
            return base64.b64encode(self.path(name).read_bytes()).decode()
        secure = url.startswith("https")
        cluster = {"server": url, **({"certificate-authority-data": data("ca.crt")} if secure else {})}
        users = [{"name": "token", "user": {"tokenFile": str(self.path("token"))}}]
        if secure:
            users.append({"name": "certificate", "user": {"client-certificate-data": data("client.crt"),
                                                          "client-key-data": data("client.key")}})
        content = {"apiVersion": "v1", "kind": "Config", "current-context": "token",
                   "clusters": [{"name": "stand-in", "cluster": cluster}], "users": users,
                   "contexts": [{"name": each["name"], "context": {"cluster": "stand-in", "user": each["name"]}}
                                for each in users]}
        self.path("kubeconfig").write_text(yaml.safe_dump(content, sort_keys=False))
