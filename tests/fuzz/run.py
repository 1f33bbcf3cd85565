"""Runs a fuzzer for a number of inputs, always the same ones: seeds from the recordings and manifests, and mutations."""
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECORDINGS = ROOT / "tests/data/kube-apiserver-1.33"
LIMITS = ("-seed=1", "-max_len=8192", "-rss_limit_mb=1500", "-timeout=10", "-print_final_stats=1", "-verbosity=0")

KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: c, user: u}}]
clusters:
- name: c
  cluster: {server: 'https://192.0.2.2:6443', certificate-authority-data: aGVsbG8=, tls-server-name: n, proxy-url: 'http://p:3128'}
users:
- name: u
  user:
    client-certificate: a.crt
    client-key: a.key
    exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, args: [a], env: [{name: A, value: b}], interactiveMode: Never, provideClusterInfo: true}
"""
EXEC = {"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1",
        "status": {"token": "t", "expirationTimestamp": "2026-01-31T12:00:00Z"}}
HEADER = {"cluster_id": "14841639068965178418", "member_id": "1", "revision": "7", "raft_term": "2"}
KEY = {"key": "L2NvbmZpZw==", "create_revision": "2", "mod_revision": "7", "version": "1", "value": "e30=", "lease": "12"}
ETCD = [
    {"header": HEADER, "kvs": [KEY], "count": "1"},
    {"result": {"header": HEADER, "created": True}},
    {"result": {"header": HEADER, "events": [{"kv": KEY}, {"type": "DELETE", "kv": {"key": "L2E=", "mod_revision": "8"}}]}},
    {"result": {"header": HEADER, "canceled": True, "compact_revision": "9", "cancel_reason": "compacted"}},
    {"header": HEADER, "ID": "7587848390143104", "TTL": "86400"},
    {"header": HEADER, "succeeded": True}, {"token": "abc.7"}, {"error": "no", "message": "no", "code": 5},
    {"Network": "10.244.0.0/16", "EnableIPv6": True, "IPv6Network": "fd00::/56", "SubnetLen": 24,
     "SubnetMin": "10.244.1.0", "SubnetMax": "10.244.9.0", "Backend": {"Type": "vxlan", "VNI": 1, "Port": 8472, "DirectRouting": True}},
    {"PublicIP": "192.0.2.1", "PublicIPv6": "2001:db8::1", "BackendType": "vxlan",
     "BackendData": {"VNI": 1, "VtepMAC": "c6:d2:32:6f:8f:44"}, "BackendV6Data": {"VNI": 1, "VtepMAC": "c6:d2:32:6f:8f:45"}},
]
SUBNETS = ["10.5.52.0-24", "10.5.52.0-24&fd00:5:52::-64"]


def api_seeds():
    """Every recorded event; every recorded object, as a list of its own and as an event; the refusals."""
    for path in sorted(RECORDINGS.glob("*.jsonl")):
        yield from path.read_text().splitlines(keepends=True)
    for path in sorted(RECORDINGS.glob("list-*.json")):
        content = json.loads(path.read_text())
        for item in content["items"]:
            yield json.dumps({**content, "items": [item]})
            yield json.dumps({"type": "ADDED", "object": item}) + "\n"
    yield json.dumps({"type": "BOOKMARK", "object": {"metadata": {
        "resourceVersion": "9", "annotations": {"k8s.io/initial-events-end": "true"}}}}) + "\n"
    for path in sorted(RECORDINGS.glob("error-*.json")):
        yield path.read_text()


def yaml_seeds():
    for path in sorted([*(ROOT / "deploy/demo.d/cluster.d").glob("*.yaml"), *(ROOT / "tests/data").glob("*/*.yaml")]):
        yield from path.read_text().split("\n---\n")
    yield from (KUBECONFIG, json.dumps(EXEC))


def etcd_seeds():
    yield from (json.dumps(each) for each in ETCD)
    yield from SUBNETS


def main(fuzzer, runs, seeds):
    with tempfile.TemporaryDirectory(prefix="viaduct-fuzz-") as directory:
        corpus = pathlib.Path(directory, "corpus")
        corpus.mkdir()
        for number, seed in enumerate({"api": api_seeds, "yaml": yaml_seeds, "etcd": etcd_seeds}[seeds]()):
            (corpus / f"{number:04}").write_text(seed)
        done = subprocess.run([pathlib.Path(fuzzer).resolve(), *LIMITS, f"-runs={runs}", f"-artifact_prefix={directory}/", corpus],
                              cwd=directory, stderr=subprocess.PIPE)
        text = done.stderr.decode(errors="replace")
        print(text[-8000:])
        for culprit in sorted(pathlib.Path(directory).glob("*-*")):
            print(f"{culprit.name}: {culprit.read_bytes()[:2000]!r}")
    # A fuzzer that stopped early has tried nothing.
    tried = [int(line.split()[-1]) for line in text.splitlines() if line.startswith("stat::number_of_executed_units")]
    return 0 if done.returncode == 0 and tried and tried[0] >= runs else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
