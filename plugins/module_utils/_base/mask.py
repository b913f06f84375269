# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes secrets out of what is handed on: known values wherever they stand, and what looks like a secret (ADR 8)."""

from __future__ import annotations

import json
import re
from bisect import bisect
from collections.abc import Iterable, Iterator
from typing import Any

from ansible_collections.gitops.airflow.plugins.module_utils._base import token_shapes
from ansible_collections.gitops.airflow.plugins.module_utils._base.hex_dump import dumps
from ansible_collections.gitops.airflow.plugins.module_utils._base.secret_forms import WRAP, Form, forms
from ansible_collections.gitops.airflow.plugins.module_utils._base.secret_parts import (
    HINT,
    LEAST,
    USERINFO,
    content,
    elements,
    is_empty,
    is_secret_name,
    lines,
    named,
    or_any,
    told,
    triples,
)
from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj

MASK = "********"
# Shorter values are masked only where their place says that they are secrets: everywhere they would blot out ordinary words.
SHORTEST = 6
# Shorter values are masked only as words of their own.
DISTINCT = 8
# A longer value is a file. It is not searched as a whole: its parts are.
LONGEST = 4096
# What the platform calls itself and its parts. A value that is made of these words alone is like one that is too short.
NAME = re.compile(
    r"admin|administrator|airflow|api|app|application|argo|argocd|backend|cluster|config|connection|controller|core|cron|dag|dags|"
    r"data|database|db|default|dev|development|docker|example|git|gitea|gitops|guest|helm|home|host|http|https|image|init|job|jobs|"
    r"kind|kube|kubernetes|local|localhost|log|logs|main|manager|master|metadata|metrics|migration|minio|mysql|namespace|node|none|"
    r"password|passwd|platform|pod|pods|postgres|postgresql|private|prod|production|project|public|redis|registry|repo|repository|"
    r"repos|root|s3|scheduler|secret|secrets|server|service|sqlite|staging|statsd|status|store|sync|system|task|tasks|team|test|"
    r"token|triggerer|user|username|users|versitygw|web|webserver|worker|workers"
)
# What an object is called.
_OBJECT = re.compile(r"[a-z0-9.-]+")
DROPPED_ANNOTATIONS = ("kubectl.kubernetes.io/last-applied-configuration",)
# Where a list of names and values has the value: variables and Helm's parameters, parameters of Argo CD's plugins.
_VALUES = ("value", "string", "array", "map")
# The same of HTTP headers, which may have several values, and what their name stands under.
_HEADER_VALUES, _HEADER_NAMES = (*_VALUES, "values"), ("name", "key", "header")
# Where a ConfigMap has files that are not text: in base64 no name of a secret is seen.
_BINARY = "binaryData"
# A line of .pgpass, up to its password: host, port, database, user.
_PGPASS = r"(?=[\d.]*[A-Za-z*])[\w.*-]+:(?:\d{2,5}|\*):[\w.*-]+:[\w.*-]+:"
# Lines without any of these hold nothing that looks like a secret.
_HINT = (
    HINT
    + r"|(?i:bindpw|cookie|identified|rootpw|(?:access|api|encryption|fernet|private|signing) key)|"
    + rf"{token_shapes.HINT}|(?m:^{_PGPASS})"
)
# The header Authorization as programs print it, also in a list or map, up to its value.
_HEADER = r"(?i:authorization)[\"'\\\[\]]*\s*[:=]\s*[\"'\\\[]*"
_HEADER_ENDS = r"(?![\w.~+/=:-])(?=[ \t\r]*(?:$|[\"'\\,;\])}]|[ \t](?:-|https?://)))"
_HEADER_NAME = re.compile(r"(?i)(?:proxy-|x-)?authorization|(?:set-)?cookie")
_PATTERNS = (
    *token_shapes.PATTERNS,
    USERINFO,
    re.compile(r"://(?P<value>(?=\w*\d)[\w-]{20,})(?=[:@])"),  # a token in a user's place
    re.compile(rf"{_HEADER}(?i:apikey|api-key|basic|bearer|gssapi|negotiate|ntlm|token)\s+(?P<value>[\w.~+/=-]+)"),
    # Without a scheme: a word of its own that is neither a number, nor a name, nor an address.
    re.compile(
        rf"{_HEADER}(?!(?:[\d.:/]+|[a-z]+(?:[-./][a-z0-9]+)*){_HEADER_ENDS})(?=[\w.~+/=-]*\d|[A-Za-z]{{32}})"
        rf"(?P<value>[\w.~+/=-]{{8,}}){_HEADER_ENDS}"
    ),
    # Schemes that sign a request.
    re.compile(rf"{_HEADER}[^\n]{{1,400}}?\b(?i:mac|response|signature)=\\*\"?(?P<value>[\w+/=-]{{16,}})"),
    re.compile(r"(?i)\b(?:set-)?cookie[\"'\\]*: *[\[\"'\\]*(?P<value>[^\s\"'\\]+=[^\"'\\\n]+)"),
    re.compile(r"(?i)\bidentified (?:with \S+ )?by +(?P<quote>['\"])(?P<value>.+?)(?P=quote)"),
    re.compile(r"(?i)\blogin\s+\S+\s+password\s+(?P<value>\S+)"),  # .netrc
    re.compile(r"\b(?:requirepass|masterauth|bindpw|rootpw)\s+[\"']?(?P<value>[^\s\"']+)"),  # redis.conf, ldap.conf, slapd.conf
    re.compile(r"\b(?i:bearer)\s+(?P<value>(?=[\w.~+/-]*\d)[\w.~+/-]{20,}=*)"),  # of a header, without its name
    re.compile(r"\bauth=\(\s*[\"'][^\"'\n]*[\"'],\s*(?P<quote>[\"'])(?P<value>[^\n]+?)(?P=quote)\s*\)"),  # Python's requests
    re.compile(r"(?i)\bpass(?:word|phrase|code) (?:for|of) \S+?[\"']?:[ \t]+(?P<value>(?=\S*\d)\S{4,})"),  # a prompt with its answer
    re.compile(rf"^{_PGPASS}(?P<value>\S+)$"),
    re.compile(r"\b(?i:env|setenv|setx)\s+[\"']?\w*(?i:pass|pwd|secret|token|cred|key)\w*[\"']?[ \t]+[\"']?(?P<value>[^\s\"'/=][^\s\"']*)"),
)
# Short flags of programs that take a password. Arguments of a list are joined by NUL, or stand in a text as Python and JSON write them.
_GAP = r"(?:[\s\0]+|[\"'],\s*)[\"']?"
_ARGUMENT = r"(?P<value>[^\s\0\"']+)"
_COMMANDS = (
    re.compile(rf"\b(?:mysql|mariadb)\w*(?:-\w+)?{_GAP}(?:[^\n]{{0,500}}?(?<=[\s\0\"']))?-p{_ARGUMENT}"),
    re.compile(rf"\bredis-cli{_GAP}(?:[^\n]{{0,500}}?(?<=[\s\0\"']))?-a{_GAP}{_ARGUMENT}"),
    re.compile(
        rf"\b(?:sshpass|(?:docker|podman|nerdctl){_GAP}login|airflow{_GAP}users{_GAP}(?:create|reset-password)){_GAP}"
        rf"(?:[^\n]{{0,500}}?(?<=[\s\0\"']))?-p(?:{_GAP})?{_ARGUMENT}"
    ),
    re.compile(rf"\bhtpasswd{_GAP}-\w*b\w*{_GAP}[^\s\0\"']+{_GAP}[^\s\0\"']+{_GAP}{_ARGUMENT}"),
    re.compile(rf"--from-literal(?:=|{_GAP})[^\s\0=\"']+={_ARGUMENT}"),
    re.compile(rf"\bcurl{_GAP}(?:[^\n]{{0,500}}?(?<=[\s\0\"']))?(?:-u|--user|-U|--proxy-user)(?:=|{_GAP})?[^\s\0:\"']*:{_ARGUMENT}"),
)
_COMMAND = re.compile(r"\b(?:mysql|mariadb|redis-cli|sshpass|curl|htpasswd|login|users)|--from-literal")
_KEY_BLOCK = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?P<value>(?:(?!-----(?:BEGIN|END)).){1,20000}(?=-----END)|[A-Za-z0-9+/=\s\\]+)", re.DOTALL
)
# A variable with its value, as JSON, YAML and Go print it; Go also as fields of a structure, for instance in the kubelet's journal.
_PAIR = re.compile(
    r"\b(?:[nN]ame|path)\\*[\"']?[:=]\s*\\*[\"']?(?P<key>[\w./-]+)\\*[\"']?(?:[,\s]|\\+n)+\\*[\"']?[vV]alue\\*[\"']?[:=]\s*"
    r"(?:\"(?P<double>(?:\\.|[^\"\\])*)\"|'(?P<single>(?:''|[^'])*)'"
    r"|(?P<escape>\\+[\"'])(?P<nested>.*?)(?<!\\)(?P=escape)|(?P<go>[^\n]{0,4096}?)(?=,ValueFrom)"
    r"|(?P<block>[|>][+-]?\d?[ \t]*\n(?P<indent>[ \t]+)[^\n]*(?:\n(?P=indent)[^\n]*)*)|(?P<rest>(?:(?!\\+n)[^\n\]}])+))"
)
_PAIRED = ("go", "double", "single", "nested", "block", "rest")
# The same in the other order, which YAML allows.
_PAIR_TURNED = re.compile(
    r"(?m:^|(?<=[{-]))[ \t]*[\"']?value[\"']?:[ \t]*"
    r"(?:\"(?P<double>(?:\\.|[^\"\\])*)\"|'(?P<single>(?:''|[^'])*)'|(?P<rest>[^\s\"',{}\[\]][^\n,{}]{0,4096}))"
    r"(?:,[ \t]*|[ \t]*\n[ \t]+)[\"']?(?:name|path)[\"']?:[ \t]*[\"']?(?P<key>[\w./-]+)"
)
_PAIRED_TURNED = ("double", "single", "rest")

Span = tuple[int, int]


class Masker:
    """Replaces secrets in texts.

    A value is masked wherever it stands, in each form that it may take there. One with fewer than DISTINCT characters is masked only as a
    word of its own. One with fewer than ``shortest``, or one that is a name (``names`` and NAME), is masked only where its place says that
    it is a secret: after a secret's name, in a URL, in a log-in. ``variables`` are further names of secrets: variables that come from
    Secrets.
    """

    def __init__(self, values: Iterable[str], shortest: int = SHORTEST, names: Iterable[str] = (), variables: Iterable[str] = ()) -> None:
        self._variables = frozenset(variables)
        self._hint = re.compile(or_any(_HINT, self._variables))
        given = {value.strip() for value in values if LEAST <= len(value.strip()) <= LONGEST}
        ordinary = {name.lower() for name in names}
        weak = {value for value in given if len(value) < shortest or _is_name(value, ordinary)}
        self.words = frozenset(value for value in given - weak if len(value) < DISTINCT)
        self.distinct = frozenset(given - weak - self.words)
        found = [form for value in self.distinct for form in forms(value)]
        found += [form for value in self.words for form in forms(value, anywhere=False)]
        found += [form for value in weak for form in forms(value, anywhere=False, word=False)]
        self._forms: dict[str, list[Form]] = {}
        for form in dict.fromkeys(found):
            self._forms.setdefault(form.gate, []).append(form)

    def text(self, text: str) -> str:
        """Running text, such as a log."""
        return _masked(text, [*self._known(text), *self._alike(text), *self._dumped(text)])

    def config(self, text: str) -> str:
        """A value of an object, which may be a file: of its lines each with a secret's name loses the whole value."""
        named_lines = [content(match) for match in lines(text) if is_secret_name(match["key"])] if "=" in text or ":" in text else []
        return _masked(text, [*self._known(text), *self._alike(text), *self._dumped(text), *named_lines])

    def json(self, text: str) -> str:
        """A JSON document. It stays as it is where nothing is masked."""
        try:
            tree = json.loads(text)
        except ValueError:
            return self.text(text)
        masked = self._tree(tree)
        return text if masked == tree else json.dumps(masked, indent=2, ensure_ascii=False)

    def manifest(self, item: Obj) -> str:
        """An object as JSON without secrets; of a Secret only the names of its keys, and how long each value is."""
        metadata = {key: value for key, value in (item.get("metadata") or {}).items() if key != "managedFields"}
        values = {"data", "stringData"} if item.get("kind") == "Secret" else {_BINARY}
        shown = self._tree({**{key: value for key, value in item.items() if key not in values}, "metadata": metadata})
        for key in values & {"data", _BINARY} & item.keys():
            shown[key] = {name: f"{len(value or '')} characters" for name, value in (item[key] or {}).items()}
        return json.dumps(shown, indent=2, sort_keys=True, ensure_ascii=False)

    def _known(self, text: str) -> Iterator[Span]:
        """Where the known values stand."""
        yield from self._of_forms(text)
        # Base64 that is wrapped is searched without its line ends.
        if cuts := [match.span() for match in WRAP.finditer(text)]:
            starts, joined, last, removed = list[int](), list[str](), 0, list[int]()
            for start, end in cuts:
                joined.append(text[last:start])
                starts.append(start - (removed[-1] if removed else 0))
                removed.append((removed[-1] if removed else 0) + end - start)
                last = end
            whole = "".join([*joined, text[last:]])

            def place(at: int) -> int:
                index = bisect(starts, at)
                return at + (removed[index - 1] if index else 0)

            yield from ((place(start), place(end - 1) + 1) for start, end in self._of_forms(whole))

    def _dumped(self, text: str) -> Iterator[Span]:
        """Where the output of hexdump, od and xxd shows bytes of what would be masked in a text."""
        for dump in dumps(text):
            for span in (*self._known(dump.text), *self._alike(dump.text)):
                yield from dump.places(span)

    def _of_forms(self, text: str) -> Iterator[Span]:
        for gate, found in self._forms.items():
            if not gate or re.search(gate, text):
                for form in found:
                    yield from _matches(form, text)

    def _alike(self, text: str) -> Iterator[Span]:
        """Where something looks like a secret."""
        at = 0
        while hint := self._hint.search(text, at):
            start, end = text.rfind("\n", 0, hint.start()) + 1, text.find("\n", hint.end())
            line = text[start : end if end >= 0 else len(text)]
            spans = [match.span("value") for pattern in _PATTERNS for match in pattern.finditer(line)]
            spans += [content(match) for match in (*named(line, self._variables), *told(line))]
            yield from ((start + first, start + last) for first, last in spans)
            at = start + len(line)
        for pattern, groups in ((_PAIR, _PAIRED), (_PAIR_TURNED, _PAIRED_TURNED)):
            for match in pattern.finditer(text):
                if self._is_secret(match["key"]) or _HEADER_NAME.fullmatch(match["key"]):
                    yield from [match.span(name) for name in groups if match[name] is not None][:1]
        yield from (content(match) for match in (*elements(text), *triples(text)))
        if _COMMAND.search(text):
            yield from _of_commands(text)
        if "PRIVATE KEY-----" in text:
            yield from (match.span("value") for match in _KEY_BLOCK.finditer(text))

    def _is_secret(self, name: str) -> bool:
        return is_secret_name(name) or name in self._variables

    def _tree(self, value: Any) -> Any:
        """JSON-like data without secrets: those named so by a key, by a list's entry or by a flag before them lose the whole value."""
        if isinstance(value, str):
            return self.config(value)
        if isinstance(value, list):
            if all(isinstance(item, str) for item in value) and _COMMAND.search(joined := "\0".join(value)):
                value = _masked(joined, _of_commands(joined)).split("\0")
            flags = [isinstance(item, str) and item.startswith("-") and "=" not in item and self._is_secret(item) for item in value]
            # A header as a pair, or as names and values in turn.
            heads = [item.rstrip(": ") if isinstance(item, str) else "" for item in value]
            after = zip(value, [False, *flags], ["", *heads], strict=False)
            return [
                self._blank(item) if flag else self._header(head, item) if _HEADER_NAME.fullmatch(head) else self._tree(item)
                for item, flag, head in after
            ]
        if not isinstance(value, dict):
            return value
        # A name, or the path of a patch (JSON 6902).
        name = str(value.get("name") or value.get("path") or "")
        header = next((found for found in map(value.get, _HEADER_NAMES) if isinstance(found, str) and _HEADER_NAME.fullmatch(found)), "")
        shown: dict[str, Any] = {}
        for key, item in value.items():
            if key in DROPPED_ANNOTATIONS:
                continue
            called = name if key in _VALUES and name else key
            if self._is_secret(key) or self._is_secret(called):
                shown[self.text(key)] = self._blank(item)
            elif _HEADER_NAME.fullmatch(key) or (header and key in _HEADER_VALUES):
                shown[self.text(key)] = self._header(header or key, item)
            else:
                shown[self.text(key)] = self._tree(item)
        return shown

    def _header(self, name: str, value: Any) -> Any:
        """Masks the value of the header ``name``, or each value of a list. A dictionary is masked by the names of its own keys."""
        if isinstance(value, list):
            return [self._header(name, item) if isinstance(item, str) else self._tree(item) for item in value]
        if not isinstance(value, str):
            return self._tree(value)
        return self.config(f"{name}: {value}").removeprefix(f"{name}: ")

    def _blank(self, value: Any) -> Any:
        """What a secret's name has: texts and numbers are replaced. A structure is a reference, or has names of its own."""
        if isinstance(value, list):
            return [self._blank(item) for item in value]
        if isinstance(value, dict):
            return {key: self._blank(item) if key in _VALUES else item for key, item in self._tree(value).items()}
        return value if value is None or isinstance(value, bool) or (isinstance(value, str) and is_empty(value)) else MASK


def masked_words(text: str) -> str:
    """What a container said, for a message: without what looks like a secret. Its Secrets are not known here."""
    return _UNKNOWING.text(text)


_UNKNOWING = Masker(())


def _is_name(value: str, names: set[str]) -> bool:
    """Whether a value is a name or a part of one, such as the analytics of team-analytics, or made of the platform's own words."""
    lower = value.lower()
    # A URL, which a Secret may have among its names, may hold the value as its password.
    parts_of = (name for name in names if lower in name and _OBJECT.fullmatch(name))
    if lower in names or any(re.search(rf"(?<![a-z0-9]){re.escape(lower)}(?![a-z0-9])", name) for name in parts_of):
        return True
    return all(NAME.fullmatch(word) or word in names for word in re.split(r"[-_./@: ]+", lower))


def _of_commands(text: str) -> Iterator[Span]:
    """Where commands have passwords behind flags of one letter."""
    for pattern in _COMMANDS:
        for match in pattern.finditer(text):
            yield match.span("value")


def _matches(form: Form, text: str) -> Iterator[Span]:
    if len(form.anchor) < 3:
        yield from (match.span() for match in form.pattern.finditer(text))
        return
    at = text.find(form.anchor)
    while at >= 0:
        end = at + len(form.anchor)
        for match in form.pattern.finditer(text, max(0, at - form.reach), at + form.reach):
            yield match.span()
            end = max(end, match.end())
        at = text.find(form.anchor, end)


def _masked(text: str, spans: Iterable[Span]) -> str:
    """The text with what stands at these places replaced. What overlaps is replaced together."""
    shown, last = list[str](), 0
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if start < last:
            last = max(last, end)
            continue
        shown += [text[last:start], MASK]
        last = end
    return "".join([*shown, text[last:]])
