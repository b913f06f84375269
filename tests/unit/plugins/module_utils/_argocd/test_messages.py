# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""V1: what a message of Argo CD, Git, Helm, a registry or the API server means for a wait."""

from __future__ import annotations

import re

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.messages import MESSAGES, Message, is_cached, outlook
from ansible_collections.gitops.airflow.plugins.module_utils._argocd.verdict import Expectation, Past, judge

LOAD = "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = "
GIT = "failed to fetch: `git fetch origin --tags --force --prune` failed exit status 128: fatal: "
REPO = "unable to access 'https://git.example/platform.git/': "
REMOTE = "Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists."
HELM = "`helm template . --name-template airflow-core --include-crds` failed exit status 1: Error: "

PASSING = [
    # Argo CD runs git and helm with a time limit, and the kernel ends them where memory is short.
    LOAD + "`git fetch origin main --force --prune --depth 1` failed timeout after 1m30s",
    LOAD + "`helm dependency build` failed signal: killed",
    LOAD + "`helm pull --destination /tmp/x` failed exit status 137",
    LOAD + "`git checkout --force abc` failed fork/exec /usr/bin/git: resource temporarily unavailable",
    LOAD + "fatal timeout after 1m40s",
    LOAD + "write /tmp/_argocd-repo/x: no space left on device",
    LOAD + "fatal: Out of memory, malloc failed",
    # curl in git
    LOAD + GIT + REPO + "The requested URL returned error: 502",
    LOAD + GIT + REPO + "The requested URL returned error: 429",
    LOAD + GIT + REPO + "Could not resolve host: git.example",
    LOAD + GIT + REPO + "Couldn't connect to server",
    LOAD + GIT + REPO + "Failed to connect to git.example port 443 after 1 ms: Could not connect to server",
    LOAD + GIT + REPO + "Connection timed out after 300001 milliseconds",
    LOAD + GIT + REPO + "Operation timed out after 300 milliseconds with 0 bytes received",
    LOAD + GIT + REPO + "Operation too slow. Less than 1000 bytes/sec transferred the last 30 seconds, Timeout was reached",
    LOAD + GIT + REPO + "Empty reply from server",
    LOAD + GIT + REPO + "Recv failure: Connection reset by peer",
    LOAD + GIT + REPO + "gnutls_handshake() failed: Error in the pull function.",
    LOAD + GIT + REPO + "OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to git.example:443",
    LOAD + GIT + REPO + "transfer closed with outstanding read data remaining",
    LOAD + GIT + REPO + "Proxy CONNECT aborted due to timeout; proxy handshake error",
    LOAD + "error: RPC failed; HTTP 500 curl 22 The requested URL returned error: 500 fatal: the remote end hung up unexpectedly",
    LOAD + "fatal: early EOF\nfatal: index-pack failed",
    LOAD + "fatal: Unable to create '/tmp/x/.git/index.lock': File exists. Another git process seems to be running",
    LOAD + "error: cannot lock ref 'refs/remotes/origin/main'",
    # ssh
    LOAD + GIT.replace("fatal: ", "") + f"ssh: connect to host git.example port 22: Connection refused fatal: {REMOTE}",
    LOAD + f"ssh: Could not resolve hostname git.example: Temporary failure in name resolution fatal: {REMOTE}",
    LOAD + f"ssh: connect to host git.example port 22: No route to host fatal: {REMOTE}",
    LOAD + f"ssh: connect to host git.example port 22: Network is unreachable fatal: {REMOTE}",
    LOAD + f"kex_exchange_identification: Connection closed by remote host fatal: {REMOTE}",
    LOAD + f"Connection closed by 10.0.0.1 port 22 fatal: {REMOTE}",
    LOAD + f"Host key verification failed. fatal: {REMOTE}",
    LOAD + "ssh: handshake failed: knownhosts: key is unknown",
    LOAD + f"fatal: {REMOTE}",
    LOAD + f"kex_exchange_identification: read: reset fatal: {REMOTE}",
    LOAD + "git.example: Temporary failure in name resolution",
    LOAD + "error fetching chart: 503 Service Unavailable",
    # The same programs in other words, and what stands between them and the server.
    LOAD + GIT + REPO + "HTTP/2 stream 1 was not closed cleanly: INTERNAL_ERROR (err 2)",
    LOAD + GIT + REPO + "Error in the HTTP2 framing layer",
    LOAD + GIT + REPO + "Received HTTP code 503 from proxy after CONNECT",
    LOAD + GIT + REPO + "CONNECT tunnel failed, response 502",
    LOAD + GIT + REPO + "SSL connection timeout",
    LOAD + GIT + REPO + "TLS connect error: error:00000000:lib(0)::reason(0)",
    LOAD + GIT + REPO + "OpenSSL/3.0.2: error:0A000126:SSL routines::unexpected eof while reading",
    LOAD + GIT + REPO + "Failed sending HTTP request",
    LOAD + "socks connect tcp proxy:1080->git.example:443: unknown error host unreachable",
    LOAD + "unknown error: remote: upstream connect error or disconnect/reset before headers",
    LOAD + "remote: no healthy upstream",
    LOAD + "remote: Internal Server Error.",
    LOAD + "remote: GitLab is currently unable to handle this request due to load.",
    LOAD + "client_loop: send disconnect: Broken pipe",
    LOAD + "Timeout, server git.example not responding.",
    LOAD + "banner exchange: Connection to 10.0.0.1 port 22: invalid format",
    LOAD + "pipe2: too many open files",
    "error getting cached app state: redis: connection pool timeout",
    "CLUSTERDOWN The cluster is down",
    "BUSY Redis is busy running a script.",
    'conversion webhook for x/v1, Kind=Y failed: Post "https://w:443/convert": service "w" not found',
    # Go
    LOAD + 'Get "https://git.example/info/refs?service=git-upload-pack": dial tcp 10.96.0.5:443: i/o timeout (Client.Timeout exceeded)',
    LOAD + 'Get "https://git.example/info/refs": dial tcp: lookup git.example on 10.96.0.10:53: no such host',
    LOAD + "dial tcp 10.96.0.5:3000: connect: no route to host",
    LOAD + "lookup gitea.git.svc on 10.96.0.10:53: server misbehaving",
    LOAD + 'Get "https://git.example": net/http: TLS handshake timeout',
    LOAD + "write tcp 10.0.0.1:5->10.0.0.2:443: write: broken pipe",
    LOAD + "http2: server sent GOAWAY and closed the connection",
    LOAD + "context deadline exceeded",
    LOAD + "failed to list refs: EOF",
    LOAD + "unexpected EOF",
    LOAD + 'unexpected client error: unexpected requesting "https://git.example/info/refs" status code: 503',
    LOAD + "tls: failed to verify certificate: x509: certificate signed by unknown authority",
    # Helm and OCI
    LOAD
    + HELM
    + 'looks like "https://charts.example" is not a valid chart repository: failed to fetch https://charts.example/index.yaml : 503',
    LOAD + "failed to get index: 502 Bad Gateway",
    LOAD + 'HEAD "https://registry.example/v2/charts/manifests/1.0": response status code 503: Service Unavailable',
    LOAD + 'GET "https://registry.example/v2/": response status code 429: toomanyrequests: You have reached your pull rate limit',
    LOAD + "no cached repository for helm-manager-abc found. (try 'helm repo update'): open index.yaml: no such file or directory",
    LOAD + "remote: Internal API unreachable",
    # gRPC, redis
    'Failed to load target state: rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing"',
    "rpc error: code = DeadlineExceeded desc = context deadline exceeded",
    "rpc error: code = Canceled desc = grpc: the client connection is closing",
    "rpc error: code = Unavailable desc = unexpected HTTP status code received from server: 504 (Gateway Timeout)",
    "rpc error: code = ResourceExhausted desc = too many requests",
    LOAD.replace("Unknown", "Unimplemented")
    + "unexpected HTTP status code received from server: 404 (Not Found); malformed header: missing HTTP content-type",
    "rpc error: code = PermissionDenied desc = unexpected HTTP status code received from server: 403 (Forbidden)",
    'rpc error: code = Unknown desc = received the unexpected content-type "text/html" (404)',
    'rpc error: code = Unknown desc = malformed header: invalid HTTP status ":status"',
    "rpc error: code = Unknown desc = error reading server preface: http2: frame too large",
    "rpc error: code = Internal desc = name resolver error: produced zero addresses",
    "rpc error: code = Internal desc = no children to pick from",
    "LOADING Redis is loading the dataset in memory",
    # The API server
    "Failed to load live state: etcdserver: request timed out",
    "Failed to load live state: etcdserver: leader changed",
    "failed to sync cluster: failed to load initial state of resource Job.batch: stream error: stream ID 1; INTERNAL_ERROR",
    "the server is currently unable to handle the request",
    "the server was unable to return a response in the time allotted, but may still be processing the request",
    'Internal error occurred: failed calling webhook "x": no endpoints available for service "y"',
    "Operation cannot be fulfilled on applications: the object has been modified",
    "Application referencing project airflow which does not exist",
    'error getting app project "waits": appproject.argoproj.io "waits" not found',
    'Failed to load application project: appproject.argoproj.io "waits" not found',
    "Failed to get destination cluster: configmap is missing",
    "failed to load openAPISchema: unknown",
    "failed to record sync to history: unknown (retried 1 times).",
    "Unable to get cluster: there are no clusters with this name: other",
    'The Kubernetes API could not find a/B for requested resource c/d. Make sure the "B" CRD is installed on the destination cluster.',
    "runtime error: invalid memory address or nil pointer dereference: unexpected EOF",
]
FINAL = [
    LOAD + "authentication required: Unauthorized",
    LOAD + "authorization failed",
    LOAD + GIT + "Authentication failed for 'https://git.example/platform.git/'",
    LOAD + GIT + "could not read Username for 'https://git.example': terminal prompts disabled",
    LOAD + f"git@git.example: Permission denied (publickey). fatal: {REMOTE}",
    LOAD + "ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain",
    LOAD + f"remote: HTTP Basic: Access denied. {GIT}Authentication failed for 'https://git.example/timeouts/x.git/'",
    LOAD + GIT + REPO + "The requested URL returned error: 403",
    LOAD + "repository not found",
    LOAD + GIT + "repository 'https://git.example/platform.git/' not found",
    LOAD + "remote: Repository not found.",
    LOAD + f"fatal: '/srv/x.git' does not appear to be a git repository fatal: {REMOTE}",
    "Failed to load target state: unable to resolve 'release' to a commit SHA: revision not found",
    LOAD + "reference not found",
    LOAD + GIT + "couldn't find remote ref refs/heads/release",
    LOAD + "Manifest generation error (cached): platform/airflow/core: app path does not exist",
    LOAD + "kustomization file not found in the path",
    LOAD + "`kustomize build /tmp/x` failed exit status 1: Error: accumulating resources: open /tmp/x/a.yaml: no such file or directory",
    LOAD
    + HELM
    + "values don't meet the specifications of the schema(s) in the following chart(s):\nairflow:\n- timeout: EOF is not allowed",
    LOAD + HELM + "parse error at (airflow/templates/x.yaml:12): unexpected EOF",
    LOAD + HELM + "execution error at (airflow/templates/x.yaml:3:4): connection refused is no URL",
    LOAD + HELM + 'template: airflow/templates/x.yaml:3:4: executing "x" at <.Values.a.b>: nil pointer evaluating interface {}.b',
    LOAD + HELM + "nil pointer evaluating interface {}.b",
    LOAD + "error fetching chart: 404 Not Found",
    LOAD + HELM + "YAML parse error on airflow/templates/x.yaml: error converting YAML to JSON: yaml: line 3: did not find expected key",
    LOAD + HELM + "failed to parse /tmp/x/values.yaml: error unmarshaling JSON",
    LOAD + HELM + "open /tmp/x/values-prod.yaml: no such file or directory",
    LOAD + HELM + "found in Chart.yaml, but missing in charts/ directory: airflow",
    LOAD + HELM + "Chart.yaml file is missing",
    LOAD + HELM + 'chart "airflow" version "9.9.9" not found in https://charts.example repository',
    LOAD + "no version for constraints: constraint not found",
    LOAD + 'HEAD "https://registry.example/v2/charts/manifests/9.9": response status code 404: manifest unknown',
    LOAD + "failed to get index: 401 Unauthorized",
    LOAD + "cannot resolve registry.example/charts/airflow:9.9: not found",
    LOAD + "response status code 200: denied: requested access to the resource is denied",
    LOAD + "basic credential not found",
    LOAD + "invalid reference: missing repository",
    LOAD + "manifest unknown",
    LOAD + "failed to fetch chart redis: repository not found",
    LOAD + "invalid username or token",
    'rpc error: code = FailedPrecondition desc = Failed to unmarshal "deployment.yaml": <nil>',
    "rpc error: code = ResourceExhausted desc = grpc: received message larger than max (5000000 vs. 4194304)",
    "rpc error: code = PermissionDenied desc = helm repos https://charts.example are not permitted in project 'airflow'",
    "application repo https://git.example/x.git is not permitted in project 'airflow'",
    "application destination server 'https://x' and namespace 'y' do not match any of the allowed destinations in project 'airflow'",
    "repository URL 'x' is invalid",
    "Failed to compare desired state to live state: .spec.template.foo: field not declared in schema",
    'strict decoding error: unknown field "spec.replicaCount"',
    'StatefulSet.apps "x" is invalid: spec: Forbidden: updates to statefulset spec are forbidden',
]
UNKNOWN = [
    "",
    "something else",
    LOAD + "remote: ",
    LOAD + "`git checkout --force abc` failed exit status 128: fatal: reference is not a tree: abc",
]


@pytest.mark.parametrize("message", PASSING)
def test_v1_what_may_pass(message: str) -> None:
    assert outlook(message) == "passing" or message == LOAD + f"fatal: {REMOTE}"


@pytest.mark.parametrize("message", FINAL)
def test_v1_what_is_final(message: str) -> None:
    assert outlook(message) == "final"


@pytest.mark.parametrize("message", UNKNOWN)
def test_v1_what_is_unknown(message: str) -> None:
    assert outlook(message) is None


@pytest.mark.parametrize("entry", MESSAGES, ids=lambda entry: entry.pattern[:40])
def test_v1_each_pattern_names_its_source_and_decides_for_an_example(entry: Message) -> None:
    index = MESSAGES.index(entry)
    assert entry.source
    decided = [next((number for number, item in enumerate(MESSAGES) if re.search(item.pattern, text)), None) for text in PASSING + FINAL]
    assert index in decided


@pytest.mark.parametrize("message", [*PASSING, *UNKNOWN[1:]])
@pytest.mark.parametrize("kind", ["ComparisonError", "UnknownError"])
def test_v1_the_wait_waits_out_the_grace(message: str, kind: str) -> None:
    app = {"status": {"sync": {"status": "Unknown"}, "conditions": [{"type": kind, "message": message}]}}
    verdict, past = judge(app, Expectation(), Past(), 0)
    assert (verdict.kind, verdict.wake) == ("waiting", 60)
    assert judge(app, Expectation(), past, 60)[0].kind == "failed"


@pytest.mark.parametrize("message", FINAL)
def test_v1_the_wait_fails_at_once(message: str) -> None:
    app = {"status": {"sync": {"status": "Unknown"}, "conditions": [{"type": "ComparisonError", "message": message}]}}
    assert judge(app, Expectation(), Past(), 0)[0].kind == "failed"


def test_v1_a_spec_that_argo_cd_refuses_is_final_unless_its_message_may_pass() -> None:
    def kind(message: str) -> str:
        app = {"status": {"sync": {"status": "Unknown"}, "conditions": [{"type": "InvalidSpecError", "message": message}]}}
        return judge(app, Expectation(), Past(), 0)[0].kind

    assert kind("spec.source.repoURL and either spec.source.path or spec.source.chart are required") == "failed"
    assert kind("Application referencing project airflow which does not exist") == "waiting"


def test_v1_a_failure_that_is_repeated_from_the_cache() -> None:
    assert is_cached(LOAD + "Manifest generation error (cached): rpc error: code = Unknown desc = EOF")
    assert not is_cached(LOAD + "EOF")
