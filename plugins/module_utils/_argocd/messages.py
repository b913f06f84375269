# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the messages in an Application mean for a wait: final or passing. Pure: text in, word out.

Argo CD puts the messages of many programs into one text. A message is final only if it stays until an input changes: the
repository, its credentials, the manifests, the AppProject. Everything else, and what is unknown, may pass.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Outlook = Literal["final", "passing"]


@dataclass(frozen=True)
class Message:
    """A pattern in a message, and the project and file, or the documentation, that it comes from."""

    outlook: Outlook
    pattern: str
    source: str


_ANSWERED = (
    r"(returned error|status( code)?|server returned|failed to get index|failed to fetch \S+|HTTP code|tunnel failed, response)"
    r"( received)?( from server)?"
)
_STATUS = rf"{_ANSWERED}\s*[: ]\s*"
_AWAY = r"Request Timeout|Too Early|Too Many Requests|Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out"

# A git process of the repository server was killed, and left its lock in a folder that lives as long as the pod (argo-cd: issue 17623).
# The second one is at the end of git's words, which stays where a message is shortened.
LEFT_LOCK = re.compile(r"\.lock': File exists|git process may have crashed in this repository")

# The first that matches decides. Errors of templates come first, because they quote the user's own text, and last what servers answer.
MESSAGES = (
    Message("final", r"values don't meet the specifications of the schema", "helm: pkg/chart/common/util/values.go"),
    Message("final", r"(parse|execution) error at \(", "helm: pkg/engine/engine.go"),
    Message("final", r"template: \S+:\d+(:\d+)?: ", "Go: text/template"),
    Message("final", r"nil pointer(?! dereference)", "Go: text/template/exec.go"),
    Message("final", r"YAML parse error on |error converting YAML to JSON: yaml: ", "helm: pkg/release/v1/util/manifest_sorter.go"),
    Message(
        "final",
        r"failed to parse \S+values\S*: |cannot unmarshal .* into Go (value|struct field)",
        "helm: pkg/cli/values; Go: encoding/json",
    ),
    Message("final", r"Failed to (unmarshal|evaluate jsonnet)|Found multiple objects in", "argo-cd: reposerver/repository/repository.go"),
    Message("final", r"\bunknown field\b", "Kubernetes: strict decoding, sigs.k8s.io/json"),
    Message("final", r"field not declared in schema", "structured-merge-diff: typed/validate.go, in argo-cd: gitops-engine/pkg/diff"),
    Message("final", r"received message larger than max", "grpc-go: rpc_util.go"),
    Message(
        "final", r"is invalid: |field is immutable|(Invalid|Required|Unsupported) value: ", "Kubernetes: util/validation/field/errors.go"
    ),
    # The network, and servers that are away or busy.
    Message("passing", r"code = (Unavailable|DeadlineExceeded|Canceled|Aborted|ResourceExhausted)", "grpc: doc/statuscodes.md"),
    # While the repository server starts again, another program can have its old address for a moment, and answer with 404 (seen).
    Message(
        "passing",
        r"desc = unexpected HTTP status code received|malformed header: |unexpected content-type|server preface|received prior goaway",
        "grpc-go: internal/transport/http2_client.go, http_util.go",
    ),
    Message("passing", r"name resolver error|produced zero addresses|no children to pick from", "grpc-go: clientconn.go, balancer"),
    Message(
        "passing",
        r"(transport|connection) is closing|GOAWAY|stream (error|terminated)|http2: |HTTP/?2 (stream|framing)",
        "grpc-go: clientconn.go; Go: x/net/http2; curl: lib/http2.c",
    ),
    Message(
        "passing", r"(deadline|timeout) exceeded|context canceled|Client\.Timeout", "Go: context, net/http; go-git: plumbing/transport"
    ),
    Message(
        "passing", r"(i/o|handshake|io) timeout|use of closed network connection|server misbehaving|no such host", "Go: net, crypto/tls"
    ),
    Message(
        "passing",
        r"[Cc]onnection (was )?(refused|reset|aborted|closed|timed out)|[Bb]roken pipe|connection attempt failed",
        "errno(3); Go: net",
    ),
    Message("passing", r"[Nn]o route to host|([Nn]etwork|[Hh]ost) (is )?(unreachable|down)", "errno(3)"),
    Message("passing", r"\bEOF\b", "Go: io; git: builtin/index-pack.c"),
    Message(
        "passing",
        r"timeout after |failed timeout|[Oo]peration timed out|[Tt]imeout was reached|[Cc]onnection (pool )?timeout",
        "argo-cd: util/exec/exec.go; curl: lib/strerror.c",
    ),
    Message("passing", r"timed out", "curl: lib/connect.c, lib/transfer.c; etcd: api/v3rpc/rpctypes/error.go"),
    Message(
        "passing",
        r"[Cc]ould(n't| not) (resolve|connect)|Failed to connect to|Failed sending |Failure when receiving",
        "curl: lib/strerror.c",
    ),
    Message(
        "passing", r"Empty reply from server|Server returned nothing|transfer closed|Recv failure|Send failure|partial file", "curl: lib"
    ),
    Message(
        "passing",
        r"gnutls_handshake|SSL_ERROR_SYSCALL|GnuTLS recv error|(SSL|TLS) connect error|unexpected eof while reading|proxy handshake error",
        "curl: lib/vtls, lib/strerror.c",
    ),
    Message("passing", r"Temporary failure in name resolution|Name or service not known", "getaddrinfo(3)"),
    Message(
        "passing",
        r"hung up|RPC failed|unexpected disconnect|protocol error: bad pack|index-pack failed",
        "git: connect.c, pkt-line.c, remote-curl.c",
    ),
    Message(
        "passing",
        r"(kex|ssh)_exchange_identification|banner exchange: |Connection (closed|reset) by|, server \S+ not responding",
        "openssh: kex.c, packet.c",
    ),
    Message(
        "passing",
        rf"{_STATUS}(408|425|429|5\d\d)\b",
        "git: remote-curl.c; go-git: plumbing/transport/http; oras-go: registry/remote/errcode",
    ),
    Message(
        "passing",
        rf"\b(408|425|429|5\d\d) ({_AWAY})",
        "Go: net/http/status.go; argo-cd: util/helm/client.go",
    ),
    Message(
        "passing",
        r"(?i)too ?many ?requests|rate limit|Internal API unreachable|temporarily unavailable",
        "OCI distribution: TOOMANYREQUESTS; errno(3)",
    ),
    Message("passing", r"Internal Server Error|no healthy upstream|upstream connect error", "Gitea; envoy: source/common/router"),
    Message("passing", r"no cached repo", "helm: internal/resolver/resolver.go, pkg/downloader"),
    # The API server, its store and its webhooks.
    Message("passing", r"etcdserver: ", "etcd: api/v3rpc/rpctypes/error.go"),
    Message(
        "passing",
        r"currently unable to handle th(e|is) request|unable to return a response in the time",
        "Kubernetes: api/errors/errors.go",
    ),
    Message(
        "passing",
        r"Internal error occurred|failed calling webhook|conversion webhook for|no endpoints available",
        "Kubernetes: api/errors/errors.go, admission/webhook",
    ),
    Message(
        "passing",
        r"object has been modified|apiserver (not ready|is shutting down)|rate limiter",
        "Kubernetes: registry/generic, apiserver",
    ),
    Message(
        "passing",
        r"LOADING Redis|BUSY Redis|MASTERDOWN|CLUSTERDOWN|READONLY|redis: (connection|client|all sentinels)|cache: key is missing",
        "redis: src/server.c; go-redis: cache",
    ),
    # The repository server's own machine.
    Message("passing", r"signal: \w+|exit (status|code) (137|143)", "Go: os/exec; argo-cd: util/exec/exec.go"),
    Message(
        "passing", r"[Cc]annot allocate memory|[Oo]ut of memory|[Nn]o space left on device|[Tt]oo many open files|fork/exec", "errno(3)"
    ),
    Message("passing", r"\.lock': File exists|[Aa]nother git process|cannot lock ref", "git: lockfile.c, refs/files-backend.c"),
    # Argo CD reads them from ConfigMaps, which the kubelet brings into the pod only after a minute.
    Message(
        "passing",
        r"Host key verification failed|knownhosts: |HOST IDENTIFICATION HAS CHANGED",
        "openssh: sshconnect.c; Go: x/crypto/ssh/knownhosts",
    ),
    Message("passing", r"x509: |certificate (verification|verify) failed|SSL certificate problem", "Go: crypto/x509; curl: lib/vtls"),
    # They may yet come: Argo CD compares anew as soon as they do.
    Message(
        "passing",
        r"referencing project .* which does not exist|error getting app project|Failed to load application project",
        "argo-cd: controller/appcontroller.go, util/argo/argo.go, controller/sync.go",
    ),
    # What an operation begins and ends with: questions to the API server.
    Message(
        "passing",
        r"[Ff]ailed to (get destination cluster|load (resource overrides|openAPISchema)|initialize sync context|record sync to history)",
        "argo-cd: controller/sync.go",
    ),
    Message(
        "passing",
        r"Unable to get cluster|there are no clusters with this name|cluster \"?\S+ not found",
        "argo-cd: util/argo/argo.go, util/db/cluster.go",
    ),
    Message("passing", r"[Mm]ake sure the .* CRD is installed|no matches for kind", "argo-cd: util/argo/argo.go; Kubernetes: api/meta"),
    # Authentication and permission.
    Message("final", r"authentication required|authorization failed|invalid auth method", "go-git: plumbing/transport/errors.go"),
    Message(
        "final", r"[Aa]uthentication failed|could not read (Username|Password)|terminal prompts disabled", "git: remote-curl.c, prompt.c"
    ),
    Message("final", r"Permission denied( \(|, please)|Too many authentication failures", "openssh: sshconnect2.c"),
    Message("final", r"ssh: unable to authenticate|no supported methods remain", "Go: x/crypto/ssh/client_auth.go"),
    Message(
        "final", r"HTTP Basic: Access denied|[Ii]nvalid username or (password|token)|Bad credentials", "GitLab and GitHub: answers to git"
    ),
    Message(
        "final", r"code = Unauthenticated|basic credential not found|missing username or password", "grpc; oras-go: registry/remote/auth"
    ),
    Message(
        "final", r"(?i)\bunauthorized\b|requested access to the resource is denied|\bdenied: ", "OCI distribution: UNAUTHORIZED, DENIED"
    ),
    Message(
        "final", rf"{_STATUS}(401|403|404|410)\b", "git: remote-curl.c; go-git: plumbing/transport/http; oras-go: registry/remote/errcode"
    ),
    Message("final", r"\b(401 Unauthorized|403 Forbidden|404 Not Found|410 Gone)", "Go: net/http/status.go; argo-cd: util/helm/client.go"),
    Message(
        "final", r"(is|are) not permitted|do not match any of the allowed destinations", "argo-cd: util/argo/argo.go, controller/sync.go"
    ),
    # The repository, the revision, the path, the chart.
    Message(
        "final",
        r"[Rr]epository not found|repository '.*' not found|repository .* does not exist",
        "go-git: plumbing/transport; git: remote-curl.c",
    ),
    Message(
        "final", r"does not appear to be a git repository|No such repository|[Pp]roject you were looking for", "git: setup.c; Gitea; GitLab"
    ),
    Message(
        "final",
        r"repo(sitory)? URL .*is invalid|unsupported (scheme|protocol)|must pass a valid repo",
        "argo-cd: util/git, reposerver; go-git",
    ),
    Message("final", r"revision not found|to a commit SHA|[Ii]nvalid revision", "argo-cd: util/git/client.go"),
    Message(
        "final",
        r"reference not found|couldn't find remote ref|Remote branch .* not found|unknown revision",
        "go-git: plumbing; git: remote.c, clone.c",
    ),
    Message(
        "final",
        r"app path (does not exist|is absolute|outside root|is not a directory)|outside repository root",
        "argo-cd: util/app/path/path.go",
    ),
    Message(
        "final",
        r"kustomization file not found|unable to find one of 'kustomization\.yaml'|invalid Kustomization",
        "argo-cd: util/kustomize; kustomize: api",
    ),
    Message("final", r"accumulating resources.*no such file or directory", "kustomize: api/internal/target/kusttarget.go"),
    Message(
        "final",
        r"Chart\.yaml file is missing|missing in charts/ directory|chart metadata",
        "helm: pkg/chart/v2/loader/load.go, pkg/action/install.go",
    ),
    Message(
        "final",
        r"chart \S+ .*not found|not found in index|chart not found in repo|no chart (version|name) found",
        "helm: pkg/repo; argo-cd: util/helm/index.go",
    ),
    Message(
        "final",
        r"no version for constraints|constraint not found|improper constraint",
        "argo-cd: util/oci, util/versions; Masterminds/semver",
    ),
    Message("final", r"(?i)manifest[ _]unknown|name[ _]unknown|: not found\s*$", "OCI distribution: MANIFEST_UNKNOWN; oras-go: errdef"),
    Message("final", r"invalid (reference|digest)\b", "oras-go: errdef/errors.go"),
    Message("final", r"Error: (open|stat) \S+: no such file or directory|Additional property", "helm: pkg/cli/values; gojsonschema"),
)
_PATTERNS = tuple((re.compile(message.pattern), message.outlook) for message in MESSAGES)


def outlook(text: str) -> Outlook | None:
    """Whether the message is final or may pass; None for an unknown one."""
    return next((word for pattern, word in _PATTERNS if pattern.search(text)), None)


def is_cached(text: str) -> bool:
    """Whether the repository server repeats an earlier failure; only a hard refresh lets it try anew (argo-cd: reposerver/repository)."""
    return "(cached)" in text
