# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which values are secrets: by the name that they have, and within a Secret's value, which may be a file, a URL or JSON. Pure."""

from __future__ import annotations

import base64
import binascii
import codecs
import itertools
import json
import re
import shlex
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any
from urllib.parse import unquote, unquote_plus

from ansible_collections.gitops.airflow.plugins.module_utils._base.verdict import Obj

# Keys of Secrets that hold no secret: who, where, which. Masked, their values would make logs and manifests unreadable.
PUBLIC_KEYS = frozenset(
    {
        "ca.crt",
        "enableOCI",
        "GIT_SYNC_USERNAME",
        "GITSYNC_USERNAME",
        "insecure",
        "name",
        "namespace",
        "project",
        "server",
        "tls.crt",
        "type",
        "url",
        "username",
    }
)

# The same of Secrets that people and operators of databases make: MYSQL_USER, db-host, dbname.
_PUBLIC_WORD = re.compile(r"bucket|database|db|dbname|email|endpoint|host|hostname|login|port|region|schema|scheme|user|username")

# Shorter values hide nothing.
LEAST = 4

# Names

_SECRET_WORD = re.compile(r".*(?:passw(?:or)?ds?|passphrases?|passcode|secret|tokens?|credentials?|creds)|cred|jwt|bearer|pwd|pw")
_PASS = re.compile(r"(?!bypass|compass|trespass|encompass|surpass).*pass")
# A key of what: "key" alone is not a secret.
_KEY_OF = re.compile(
    r"access|account|api|client|deploy|encryption|fernet|hmac|host|jwt|license|master|private|secret|session|shared|signing|ssh|"
    r"storage|webhook"
)
_ONE_WORD_KEY = re.compile(rf".*(?:{_KEY_OF.pattern})keys?")
# A name that ends so says where a secret is, or which, or for how long: passwordSecretName, TOKEN_FILE, tokenExpirationSeconds.
_ABOUT = re.compile(
    r"age|algorithm|audiences?|backend|backends|class|count|days|enabled|endpoint|error|errors|expiration|expires|expiry|field|file|"
    r"files|format|header|hours|id|ids|issuer|length|lifetime|limit|max|method|min|minutes|mode|name|names|namespace|namespaces|"
    r"path|paths|policy|prefix|provider|ref|refs|rotation|seconds|selector|size|status|store|suffix|timeout|ttl|type|types|uri|url|"
    r"version|volume"
)
# What such a Secret is for: credentialsSecret and existingSecret are names of Secrets, client_secret is a value.
_SECRET_FOR = re.compile(r"connection|credentials|docker|existing|key|metadata|password|pull|registry|tls")


def _words(name: str) -> list[str]:
    """The words of a name, in whichever way they are joined, in lower-case letters."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def is_secret_name(name: str) -> bool:
    """Whether a variable, option, key or flag of that name holds a secret: ``DB_PASS``, ``smtpPassword``, ``fernet-key``."""
    words = _words(name)
    if not words or words[0] == "checksum" or _ABOUT.fullmatch(words[-1]) or name in ("PWD", "OLDPWD"):
        return False
    pairs = list(itertools.pairwise(words))
    if words[-1] == "secret" and pairs and _SECRET_FOR.fullmatch(words[-2]):
        return False
    return (
        words[-1] == "auth"
        or any(_SECRET_WORD.fullmatch(word) or _PASS.fullmatch(word) or _ONE_WORD_KEY.fullmatch(word) for word in words)
        or any(_KEY_OF.fullmatch(first) and second in ("key", "keys") for first, second in pairs)
    )


# Assignments: NAME=value, name: value, "name": "value"

# A quoted text, its content in one of three groups: in double quotes, in single ones, in quotes with backslashes (JSON in JSON).
_QUOTED = r"\"(?P<double>(?:\\.|[^\"\\])*)\"|'(?P<single>(?:''|\\.|[^'\\])*)'|(?P<escape>\\+[\"'])(?P<nested>.*?)(?<!\\)(?P=escape)"
# A word up to what separates it from the next: a comma within it belongs to it, one before the next assignment does not.
_WORD = r"(?:[^\s\"'&;,)}\]\\]|[&;,](?![\s\"'\\]|$|[\w.-]+=)|[\"')}\]](?=[\w!#$%^*+~?])|\\(?![nrt\"'\\]))+"
# What a name or a line has that may hold a secret.
HINT = r"(?i:pass|pwd|pw|secret|token|cred|auth|[\w.-]key|jwt|bearer)"
# Loggers that colour names and values put it between them.
_COLOUR = r"(?:\x1b\[[\d;]*m)*"
_BEFORE = r"(?:(?<![\w.-])(?<!\x1b\[)|(?<=\x1b\[\dm)|(?<=\x1b\[\d\dm)|(?<=\x1b\[\d;\d\dm))"
# What follows a flag in a sentence: "--password is required".
_SENTENCE = re.compile(
    r"(?i:a|an|and|are|as|but|can|cannot|does|flag|for|from|has|if|in|is|may|must|needs|not|of|on|option|or|requires|should|strings?|"
    r"the|to|was|when|will|with|without)[.,:;]?"
)


def or_any(pattern: str, names: Iterable[str]) -> str:
    """The pattern, or one of these names."""
    return "|".join([pattern, *map(re.escape, sorted(names))])


@cache
def _assignment(names: frozenset[str]) -> re.Pattern[str]:
    return re.compile(
        rf"{_BEFORE}(?P<flag>--?)?(?P<key>[\w.-]{{0,80}}(?:{or_any(HINT, names)})[\w.-]{{0,80}})"
        rf"{_COLOUR}(?P<close>\\*[\"'])?"
        rf"(?P<sep>[ \t]*=>[ \t]*|[ \t]*:=?[ \t]*|[ \t]+=(?!=)[ \t]*|=(?![=\s])|[ \t]+|,[ \t]*(?=[\"'])){_COLOUR}"
        rf"(?:{_QUOTED}|(?P<word>{_WORD}))"
    )


CONTENT = ("basic", "literal", "double", "single", "nested", "word", "block", "next", "rest")
# Texts of more lines, as TOML and Python write them. Before the last three quotes one or two more may belong to the text.
_TRIPLE = (
    r"(?P<fence>(?P<one>\\*\")(?P=one){2})(?P<basic>.{0,20000}?)(?<!\\)(?P=fence)(?!(?P=one))"
    r"|(?P<raw>(?P<mark_of_raw>\\*')(?P=mark_of_raw){2})(?P<literal>.{0,20000}?)(?P=raw)(?!(?P=mark_of_raw))"
)
_FENCES = ('"""', "'''", r"\"\"\"", r"\'\'\'")
_TRIPLES = re.compile(rf"(?<![\w.-])(?P<key>[\w.-]{{1,120}})\\*[\"']?[ \t]*[:=][ \t]*(?:{_TRIPLE})", re.DOTALL)
# The beginning of another assignment, or of a structure. Base64 may end with what looks like one.
_OTHER = r"[ \t-]*(?:[{\[#;]|[\"']?[A-Za-z_][\w.\-/]*[\"']?[ \t]*(?::(?=\s|\Z)|=(?!=?[ \t]*(?:\r?\n|\Z))))"
# A line of a configuration file: INI, YAML, TOML, properties, environment. The value may be a block or a quoted text of more lines, or
# stand in the next lines, also as a list.
_LINE = re.compile(
    r"^(?P<indent>[ \t]*)(?P<comment>[#;]+[ \t]*)?(?:(?:-|export|set)[ \t]+)*(?P<mark>[\"']?)(?P<key>[A-Za-z_][\w.\-/]*)(?P=mark)[ \t]*"
    r"(?:=|:=|:(?=[ \t\r\n]|$))[ \t]*"
    r"(?:[|>][+-]?\d?[ \t]*\r?\n(?P<block>(?:(?P=indent)[ \t]+[^\n]*(?:\n|\Z)|[ \t]*\n)+)"
    rf"|\r?\n(?P<next>(?:(?P=indent)(?:[ \t]|-[ \t])(?!{_OTHER})[^\n]*(?:\n|\Z))+)"
    rf"|(?s:{_TRIPLE})"
    r"|(?:" + _QUOTED.replace(".*?", "[^\n]*?") + r")(?=[ \t]*[,;]?[ \t]*(?:[#;][^\n]*)?\r?$)|(?P<rest>[^\r\n]+))",
    re.MULTILINE,
)
# Mappings in one line, as YAML and JSON have them, and their assignments.
_FLOW = re.compile(r"\{[^{}\n]{1,4096}\}")
_IN_FLOW = re.compile(
    r"(?<=[{,])[ \t]*(?P<mark>[\"']?)(?P<key>[A-Za-z_][\w.\-/]{0,80})(?P=mark):[ \t]+"
    rf"(?:{_QUOTED}|(?P<word>[^\s\"',{{}}\[\]\\][^,{{}}\n]*))"
)
# Elements of XML: <password>…</password>, and Hadoop's <name>…</name><value>…</value>.
_ELEMENT = re.compile(
    r"<(?:name>\s*(?P<name>[\w.-]{1,120})\s*</name>\s*<value|(?P<tag>[\w.:-]{1,120})(?:\s[^<>]{0,500})?)>"
    r"(?P<word>[^<]{1,4096})</(?(name)value|(?P=tag))>"
)
# A sentence that says a value. Between the name and the verb logs may have a colon.
_TOLD = re.compile(
    r"(?<![\w.-])(?P<key>[\w.-]{0,40}(?i:passwords?|passwd|passphrase|passcode|pwd|secret|token|credentials?"
    r"|(?:access|api|encryption|fernet|private|secret|signing)[ _-]?key))[\"']?(?:[ \t]*:)?[ \t]+(?i:is|was|are|were)"
    r"(?:[ \t]+(?i:now|set[ \t]+to|changed[ \t]+to|reset[ \t]+to))?[ \t]*[:=]?[ \t]+"
    rf"(?:{_QUOTED}|(?P<word>{_WORD}))"
)
# What a sentence says of a value without its text: its state, its encoding, its length, its time.
_OF_STATE = re.compile(
    r"(?i:absent|correct|empty|expired|incorrect|invalid|known|missing|not (?:found|given|set|valid)|required|unknown|unset|valid|wrong)"
)
_OF_WHAT_KIND = re.compile(
    r"(?i)(?:base-?(?:32|64)|bcrypt|sha-?\d|md5|utf-?\d|x\.?509|oauth-?2|rfc-?\d|v\d)\S*|\d{4}-\d\d-\d\d\S*"
    r"|\d+-?(?:[dhms]|ms|bits?|bytes?|char(?:acter)?s?|days?|hours?|minutes?|seconds?)(?:-[a-z]+)*"
)
_OBJECT = re.compile(r"[a-z0-9]+(?:[-./][a-z0-9]+)+")
# Values that stand for nothing, or for another one.
_EMPTY = re.compile(
    r"(?i:yes|no|on|off|true|false|none|null|nil|undefined)|\**|x{3,}|\.{3,}|<[\w -]+>"
    r"|\$\{[\w:?!-]+\}|\$\(\w+\)|\$[A-Z_][A-Z0-9_]*|\{\{.*\}\}|[{\[|>]"
)
_REFERENCE = re.compile(r"(?:[a-z]+[-./])+[a-z]+")


def content(match: re.Match[str]) -> tuple[int, int]:
    """Where the value of an assignment stands, without its quotes."""
    groups = match.groupdict()
    start, end = next((match.span(name) for name in CONTENT if groups.get(name) is not None), (0, 0))
    value = match.string[start:end]
    return start + len(value) - len(value.lstrip()), end - len(value) + len(value.rstrip())


def is_empty(value: str) -> bool:
    """Whether a value hides nothing: a boolean, a placeholder, a reference to a variable."""
    return bool(_EMPTY.fullmatch(value.strip()))


def _hides_nothing(key: str, value: str) -> bool:
    """Whether a value is empty, or of a name such as ``max_tokens`` only a number of them."""
    return is_empty(value) or (key.lower().endswith("tokens") and value.strip().isdecimal() and len(value.strip()) < 8)


def looks_random(word: str) -> bool:
    """Whether a word is none of a sentence: ``password: hunter22`` against ``invalid token: expired``.

    Numbers and addresses are not, nor the port and path after the name of a host.
    """
    mixed = re.search(r"\d|[!#$%^&*+=~]|[a-z][A-Z]", word)
    return bool(mixed) and "://" not in word and not re.fullmatch(r"[\d.:/]+|\d{1,5}/\S*", word)


def named(text: str, names: frozenset[str] = frozenset()) -> Iterator[re.Match[str]]:
    """The assignments in running text whose name is a secret's, or one of ``names``. Not "token: expired", which is English."""
    at, pattern = 0, _assignment(names)
    while match := pattern.search(text, at):
        key, value = match["key"], text[slice(*content(match))]
        if (is_secret_name(key) or key in names) and not _hides_nothing(key, value) and _is_given(match, key, value):
            yield match
            at = match.end()
        else:
            at = match.end("key")


def _is_given(match: re.Match[str], key: str, value: str) -> bool:
    if key.lower() == "secret" and _REFERENCE.fullmatch(value):
        return False
    if "=" in match["sep"]:
        return not (key.lower() == "pwd" and value.startswith("/"))
    quoted = match["word"] is None
    if "," in match["sep"]:  # the next argument of a list
        return bool(match["flag"] and match["close"] and quoted and not value.startswith("--"))
    # A quote that closes something longer, such as a URL, closes no name.
    opened = match.string[match.start("key") - 1 : match.start("key")] in ("'", '"')
    if ":" in match["sep"] and ((match["close"] and opened) or quoted):
        return True
    if match["flag"] and ":" not in match["sep"]:
        return not (value.startswith("-") or _SENTENCE.fullmatch(value))
    # SQL: CREATE USER … PASSWORD '…'.
    if quoted and key.lower() == "password":
        return True
    return (":" in match["sep"] or "\t" in match["sep"]) and looks_random(value)


def lines(text: str) -> Iterator[re.Match[str]]:
    """The assignments of a configuration file, whatever their names; of comments and of mappings in one line those of secrets."""
    for match in _LINE.finditer(text):
        if not _hides_nothing(match["key"], text[slice(*content(match))]) and (match["comment"] is None or is_secret_name(match["key"])):
            yield match
    for flow in _FLOW.finditer(text):
        for match in _IN_FLOW.finditer(text, flow.start(), flow.end()):
            if is_secret_name(match["key"]) and not is_empty(text[slice(*content(match))]):
                yield match


def triples(text: str) -> Iterator[re.Match[str]]:
    """The texts of more lines that have a secret's name."""
    found = _TRIPLES.finditer(text) if any(fence in text for fence in _FENCES) else ()
    return (match for match in found if is_secret_name(match["key"]) and not is_empty(text[slice(*content(match))]))


def told(text: str) -> Iterator[re.Match[str]]:
    """The values in sentences: "the password is hunter22", not "the password is wrong"."""
    return (match for match in _TOLD.finditer(text) if _is_told(match["key"], text[slice(*content(match))], match["word"] is None))


def _is_told(key: str, value: str, quoted: bool) -> bool:
    value = value.rstrip(".,:;!?")
    if is_empty(value) or len(value) < LEAST or _OF_STATE.fullmatch(value):
        return False
    if quoted:
        return True
    # Of a Secret the name is said in the same words.
    named_so = key.lower().endswith(("secret", "credential", "credentials")) and _OBJECT.fullmatch(value)
    return bool(re.search(r"[\d!#$%^&*+=~]", value)) and looks_random(value) and not (named_so or _OF_WHAT_KIND.fullmatch(value))


def elements(text: str) -> Iterator[re.Match[str]]:
    """The elements of XML that have a secret's name."""
    found = _ELEMENT.finditer(text) if "</" in text else ()
    return (match for match in found if is_secret_name(match["name"] or match["tag"]) and not is_empty(match["word"]))


# What a Secret's value holds

USERINFO = re.compile(r"://[^/\s:@\"']*:(?P<value>[^/\s\"']+)(?=@)")
# The same in a URL alone, whose password may hold a slash. A user without a password, or with one that every such user has, is a token.
_LOG_IN = re.compile(r"[a-z][\w+.-]*://(?P<user>[^\s:@/]*)(?::(?P<password>[^\s\"']*))?@[^\s@]*")
_EVERYONES = re.compile(r"x-oauth-basic|x-access-token|oauth2|git|")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
# Numbers, addresses, files: they say where something is.
_PUBLIC = re.compile(
    r"[\d.,:]{1,7}[a-z]{0,2}|\d+(?:\.\d+){3}(?::\d+)?|[a-z][\w+.-]*://[^@\s]*|(?:[\w-]+\.)+[a-z]{2,}(?::\d+)?"
    r"|[\w-]+(?:\.[\w-]+)*:\d+|[./~]*/(?:[\w.-]+/)+[\w.-]*"
    r"|/(?:bin|data|etc|home|opt|root|run|srv|tmp|usr|var)"
)
# What no text holds.
_CONTROL_OCTETS = {*range(9), *range(14, 32), 127}
# Argo CD keeps one in its Secret, and the same second stands in many lines.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_WORDS = re.compile(r"[A-Za-z]+(?:[ _-][A-Za-z]+)*\d?")


def _shell_word(value: str) -> list[str]:
    """What a shell makes of a value with quotes in it; nothing where that are several words or none."""
    if not set(value) & set("'\"\\") or len(value) > 4096:
        return []
    try:
        words = shlex.split(value, comments=True)
    except ValueError:
        return []
    return words if len(words) == 1 else []


def _with_escapes(value: str) -> str:
    """What a text between double quotes says."""
    try:
        return str(json.loads(f'"{value}"', strict=False))
    except ValueError:
        return re.sub(r"\\(.)", r"\1", value)


def _unquoted(match: re.Match[str], text: str) -> set[str]:
    """The values that an assignment may mean: with and without its escapes, its comment and its folding."""
    value = text[slice(*content(match))]
    if match.groupdict().get("basic") is not None:
        folded = re.sub(r"\\[ \t]*\r?\n\s*", "", value)
        found = {value, folded, _with_escapes(folded)}
    elif match.groupdict().get("literal") is not None:
        found = {value}
    elif match.groupdict().get("double") is not None:
        found = {value, _with_escapes(value)}
    elif match.groupdict().get("single") is not None:
        found = {value, value.replace("''", "'")}
    elif match.groupdict().get("block") is not None:
        found = {"\n".join(line.strip() for line in value.strip().splitlines())}
    elif match.groupdict().get("next") is not None:
        rows = [re.sub(r"^-[ \t]+", "", line.strip()) for line in value.splitlines()]
        found = {value, *rows, *(row[1:-1] for row in rows if row[:1] in ("'", '"') and row[:1] == row[-1:])}
    else:
        found = {value, re.split(r"[ \t]+[#;]", value)[0], *_shell_word(value)}
    found |= {" ".join(item.split()) for item in found if "\n" in item}
    return {item.strip() for item in found}


def _assigned(text: str) -> set[str]:
    """What a file assigns: of an environment file every value, of others what has a secret's name or is neither a word nor a place."""
    found, used = set[str](), [line for line in text.splitlines() if line.strip() and line.strip()[0] not in "#;"]
    environment = all(re.match(r"\s*(?:export\s+|set\s+)?[A-Za-z_]\w*=", line) for line in used)
    for match in lines(text):
        for value in _unquoted(match, text):
            hidden = is_secret_name(match["key"]) or not (_PUBLIC.fullmatch(value) or (not environment and _WORDS.fullmatch(value)))
            found |= _within(value) if hidden else set()
    for match in (*named(text), *elements(text), *triples(text)):
        found |= {item for value in _unquoted(match, text) for item in _plain(value)}
    return found


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(item, str(name))
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, key)
    elif value is not None and not isinstance(value, bool):
        yield key, str(value)


def _decoded(value: str) -> str:
    """The text that base64 stands for; empty where it is none."""
    if not _BASE64.fullmatch(value):
        return ""
    try:
        text = base64.b64decode(value.rstrip("=") + "=" * (-len(value.rstrip("=")) % 4), "-_" if set(value) & set("-_") else None).decode()
    except (binascii.Error, ValueError):
        return ""
    return text if text.strip().isprintable() or "\n" in text else ""


def _plain(value: str) -> set[str]:
    """A part of a URL, also without its percent-encoding."""
    return {value, unquote(value), unquote_plus(value)}


def _is_user(url: str, name: str) -> bool:
    """Whether the user of a URL without a password is only a name: over SSH, or as short as names are."""
    return not url.startswith("http") or (len(name) < 20 and not looks_random(name))


def _within(value: str) -> set[str]:
    """One value and what it is made of: a URL's password, what base64 hides, the password of ``user:password``."""
    found = {value}
    for match in USERINFO.finditer(value):
        found |= _plain(match["value"])
    if "://" in value and "?" in value:
        found |= {part for match in named(value) for text in _unquoted(match, value) for part in _plain(text)}
    if log_in := _LOG_IN.fullmatch(value):
        user, password = log_in["user"], log_in["password"]
        found |= _plain(password or "")
        if password is None or _EVERYONES.fullmatch(password):
            found |= {item for item in _plain(user) if not _is_user(log_in[0], item)}
    if text := _decoded(value):
        found |= parts(text)
    if "://" not in value and (pair := re.fullmatch(r"[^\s:/]+:(\S+)", value)):
        found |= {item for item in (pair[1], pair[1].rpartition(":")[2]) if not _PUBLIC.fullmatch(item)}
    return found


def parts(value: str) -> set[str]:
    """The secrets in one value of a Secret: itself, and those within a file, a URL or a key that it may be."""
    value = value.strip()
    if _TIME.fullmatch(value):
        return set()
    text = _CERTIFICATE.sub("", value)
    found = _within(value) | {match[1] for match in re.finditer(r"\b(?:password|requirepass|masterauth)[ \t]+(\S+)", text)}
    try:
        tree = json.loads(text)
    except ValueError:
        tree = None
    if len(value) > 2 and value[0] == value[-1] and value[0] in "'\"":
        found.add(value[1:-1])  # quotes that a program takes off
    if isinstance(tree, (dict, list)):
        for key, leaf in _leaves(tree):
            if is_secret_name(key):
                found.add(leaf)
            if is_secret_name(key) or not (_PUBLIC.fullmatch(leaf) or _WORDS.fullmatch(leaf)):
                found |= parts(leaf)
    else:
        found |= _assigned(text)
        if len(several := text.splitlines()) > 1:
            found |= {item for line in several for item in _within(line.strip()) if item != line.strip()}
            found |= {line.strip() for line in several if re.fullmatch(r"[A-Za-z0-9+/=]{24,}", line.strip())}
    return {item for item in map(str.strip, found) if len(item) >= LEAST and not is_empty(item)}


def is_public_key(key: str) -> bool:
    """Whether a Secret's key says who, where or which: its value is an ordinary word in logs."""
    words = _words(key)
    return key in PUBLIC_KEYS or (bool(words) and bool(_PUBLIC_WORD.fullmatch(words[-1])) and not is_secret_name(key))


def secret_values(secrets: Iterable[Obj]) -> set[str]:
    """Every value that the Secrets hide."""
    return {part for key, value in _entries(secrets) for part in (_within(value) - {value} if is_public_key(key) else parts(value))}


def public_values(secrets: Iterable[Obj]) -> set[str]:
    """What the Secrets say of users, projects and servers: ordinary words, also where one of them is a password, too."""
    return {value.strip() for key, value in _entries(secrets) if is_public_key(key)}


def _entries(secrets: Iterable[Obj]) -> Iterator[tuple[str, str]]:
    for secret in secrets:
        for key, encoded in (secret.get("data") or {}).items():
            try:
                data = base64.b64decode(encoded or "")
            except binascii.Error:
                yield key, encoded
                continue
            try:
                yield key, data.decode()
            except UnicodeDecodeError:
                yield key, encoded  # bytes, of which only this form can stand in a text
                yield from ((key, text) for text in _texts(data))


def _texts(data: bytes) -> Iterator[str]:
    """What bytes that are not UTF-8 say, if they are a text: in UTF-16, or in Latin-1, also as a log shows it that is read as UTF-8."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield data.decode("utf-16", "replace")
    elif not set(data) & _CONTROL_OCTETS:
        yield data.decode("latin-1")
        yield data.decode("utf-8", "replace")
