# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is masked, and what is left to read."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.mask import MASK, Masker, masked_words
from ansible_collections.gitops.airflow.plugins.module_utils._base.secret_parts import parts, secret_values
from ansible_collections.gitops.airflow.plugins.module_utils._base.shorten import shorten
from ansible_collections.gitops.airflow.plugins.module_utils._support.leaks import holds_secret

PASSWORD = 'Zq4/kP+2"x~v'


def secret(**data: str) -> dict[str, Any]:
    return {
        "kind": "Secret",
        "metadata": {"name": "s"},
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
    }


@pytest.mark.parametrize(
    "text",
    [
        PASSWORD,
        f"login with {PASSWORD} failed",
        base64.b64encode(PASSWORD.encode()).decode(),
        base64.b64encode(f"{PASSWORD}\n".encode()).decode(),
        "mysql://airflow:Zq4%2FkP%2B2%22x~v@db:3306",
        json.dumps({"password": PASSWORD}),
    ],
)
def test_a_known_value_is_masked_in_each_form(text: str) -> None:
    masked = Masker(secret_values([secret(password=PASSWORD)])).text(text)
    assert MASK in masked
    assert "Zq4" not in masked
    assert base64.b64encode(PASSWORD.encode()).decode()[:10] not in masked


@pytest.mark.parametrize(
    ("value", "hidden"),
    [
        ("mysql+mysqldb://airflow:pass-4711@db/airflow", "pass-4711"),
        ("[security]\nSECRET_KEY = k3yk3yk3y\nROOT_URL = http://git/", "k3yk3yk3y"),
        ('{"auths": {"r": {"auth": "dXNlcjpwYXNz"}}}', "dXNlcjpwYXNz"),
        ("-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\n-----END KEY-----", "MIIEvQIBADANBgkqhkiG9w0BAQEF"),
    ],
)
def test_the_secrets_within_a_value_are_found(value: str, hidden: str) -> None:
    assert hidden in parts(value)


def test_a_containers_environment_as_the_kubelet_prints_it() -> None:
    said = "&Container{Name:db,Env:[]EnvVar{EnvVar{Name:DB_PASSWORD,Value:open-4711,ValueFrom:nil,},EnvVar{Name:MODE,Value:fast,},}"
    masked = Masker([]).text(said)
    assert masked == said.replace("open-4711", MASK)


def test_who_and_where_stay_readable() -> None:
    values = secret_values([secret(username="gitops", url="http://gitea.git:3000/x.git", password="s3cret-token", type="git")])
    assert values == {"s3cret-token"}


@pytest.mark.parametrize("key", ["host", "DB_HOST", "db-port", "user", "MYSQL_USER", "dbname", "POSTGRES_DB", "smtpLogin", "s3.endpoint"])
def test_s5_who_and_where_of_a_database_stay_readable(key: str) -> None:
    """S5: of Secrets that people make. A password in such a value is one nevertheless."""
    for value in ("db.example.com:3306", "reporting", "warehouse-1"):
        assert secret_values([{"data": {key: base64.b64encode(value.encode()).decode()}}]) == set()
    encoded = base64.b64encode(b"mysql://u:hunter22x@db.example.com").decode()
    assert secret_values([{"data": {key: encoded}}]) == {"hunter22x"}


@pytest.mark.parametrize("key", ["password", "user-password", "USER_TOKEN", "connection", "userKey", "DB_PASS", "config"])
def test_s5_other_keys_hold_secrets(key: str) -> None:
    assert secret_values([{"data": {key: base64.b64encode(b"reporting").decode()}}]) == {"reporting"}


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("clone https://bob:hunter22@git.example.com/x.git", f"clone https://bob:{MASK}@git.example.com/x.git"),
        ("Authorization: Bearer abc.def-123", f"Authorization: Bearer {MASK}"),
        ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.sflKxwRJ", f"token {MASK}"),
        ("ghp_" + "a1B2" * 9, MASK),
        ("http://gitea.git.svc.cluster.local:3000/gitops/dags.git at 12:30:01", None),
        ("pod airflow-core/airflow-scheduler-5d8f: 2 of 2 ready", None),
    ],
)
def test_what_looks_like_a_secret(text: str, masked: str | None) -> None:
    assert Masker([]).text(text) == (masked or text)


def test_a_secret_keeps_its_keys_only() -> None:
    item = secret(password=PASSWORD)
    item["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": PASSWORD, "kept": "yes"}
    shown = json.loads(Masker([]).manifest(item))
    assert shown["data"] == {"password": "16 characters"}
    assert shown["metadata"]["annotations"] == {"kept": "yes"}


def test_environment_variables_with_a_secrets_name_lose_their_value() -> None:
    env = [
        {"name": "DB_PASSWORD", "value": "x"},
        {"name": "PORT", "value": "80"},
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s"}}},
    ]
    shown = json.loads(Masker([]).manifest({"kind": "Pod", "spec": {"containers": [{"env": env}]}}))
    assert shown["spec"]["containers"][0]["env"] == [{"name": "DB_PASSWORD", "value": MASK}, *env[1:]]


def test_short_values_would_blot_out_words() -> None:
    assert Masker(["core"]).text("airflow-core") == "airflow-core"


def test_a_value_that_is_part_of_another_leaves_nothing_of_it() -> None:
    assert Masker(["abcdef", "abcdefghij"]).text("x abcdefghij") == f"x {MASK}"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("MYSQL_PASSWORD=hunter2secret", f"MYSQL_PASSWORD={MASK}"),
        ('connect(host="db", password="hunter2secret")', f'connect(host="db", password="{MASK}")'),
        ("{'password': 'hunter2secret', 'login': 'workers'}", f"{{'password': '{MASK}', 'login': 'workers'}}"),
        ('{\\"password\\": \\"hunter2secret\\"}', f'{{\\"password\\": \\"{MASK}\\"}}'),
        ("GET /?api_key=hunter2secret&page=2", f"GET /?api_key={MASK}&page=2"),
        ("mysql://airflow:hunter2secret@db/airflow", f"mysql://airflow:{MASK}@db/airflow"),
        # What a person needs of a message stays.
        ("Access denied for user 'airflow' (using password: YES)", None),
        ("invalid token: expired yesterday", None),
        ('secret "airflow-metadata" not found', None),
        ("authentication failed: unknown user", None),
    ],
)
def test_what_a_container_said_is_quoted_without_what_looks_like_a_secret(said: str, shown: str | None) -> None:
    assert masked_words(said) == (said if shown is None else shown)


@pytest.mark.parametrize(
    ("text", "values", "shown"),
    [
        ("token s3cret1 is wrong", ["s3cret1"], "token ******** is wrong"),
        ("got czNjcmV0MQ== there", ["s3cret1"], "got ******** there"),
        ('{"key": "one\\nline two"}', ["one\nline two"], '{"key": "********"}'),
        ("of it: line two", ["line one\nline two\n"], "of it: ********"),
        ("longword and long", ["long", "longword"], "******** and ********"),
        ("a b c", ["a", "", "b"], "a b c"),
        ("at https://ann:hunter2@git.example.com/x", [], "at https://ann:********@git.example.com/x"),
    ],
)
def test_given_values_and_their_lines_are_masked(text: str, values: list[str], shown: str) -> None:
    assert Masker([*values, *(line for value in values for line in value.splitlines())], 4).text(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        r'{"password":"p\u0026ss\u003cw0rd"}',
        r"msg=\"{\\\"password\\\":\\\"p\\u0026ss\\u003cw0rd\\\"}\"",
        r"p\u0026ss\u003Cw0rd",
        "p%26ss%3Cw0rd",
        "p%26ss%3cw0rd",
        "p&amp;ss&lt;w0rd",
        base64.b64encode(b'{"p":"p\\u0026ss\\u003cw0rd"}').decode(),
    ],
)
def test_s1_forms_of_programs_written_in_go(text: str) -> None:
    """S1: as Go writes JSON, once or twice, and in URLs and base64."""
    masked = Masker(["p&ss<w0rd"]).text(text)
    assert MASK in masked
    assert not holds_secret(masked, ["p&ss<w0rd"])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("p&ss<w0rd", r"p\046ss\074w0rd"),
        ("pässwörd-77", r"p\303\244ssw\303\266rd-77"),
        ("p&ss<w0rd", r"p\u{26}ss\u{3c}w0rd"),
        ("pa\u00a0ss-w0rd9", "pa\u00a0ss-w0rd9"),
        ("pa\u00a0ss-w0rd9", r"pa\u00a0ss-w0rd9"),
        ("pa\u00a0ss-w0rd9", "pa%C2%A0ss-w0rd9"),
        ("pa\u00a0ss-w0rd9", r"pa\_ss-w0rd9"),
        ('pa"ss-w0rd9', "pa%5C%22ss-w0rd9"),
        ('pa"ss-w0rd9', r"pa\&quot;ss-w0rd9"),
        (r"pa ss\\w0rd9", r"pa\040ss\134\134w0rd9"),
        ("pa'ss-w0rd9", "pa''''ss-w0rd9"),
        ("pa€ss-w0rd9", r"pa\\u20AC\\\n  ss-w0rd9"),
        ("pa\u3000ss-w0rd9", "pa\u3000ss-w0rd9"),
        ("pa\u2028ss-w0rd9", r"pa\u2028ss-w0rd9"),
        ("pa&%00ss-w0rd9", r"pa\u0026%00ss-w0rd9"),
        ("pa&#0ss-w0rd9", r"pa\u0026#0ss-w0rd9"),
    ],
)
def test_s1_forms_of_other_programs(value: str, text: str) -> None:
    """S1: octal (protocol buffers, Git), braces (Rust, PHP), JSON in a URL, YAML in JSON, and white space that is not a blank."""
    assert Masker([value]).text(f"x {text} y") == f"x {MASK} y"
    assert holds_secret(f"x {text} y", [value])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("p&ss<w0rd", "702673733c77307264"),
        ("p&ss<w0rd", "70:26:73:73:3C:77:30:72:64"),
        ("p&ss<w0rd", "70 26 73 73 3c 77 30 72 64"),
        ("pässwörd-77", "70c3a4737377c3b672642d3737"),
        ("p&ss<w0rd", "OATHG4Z4O4YHEZA="),
        ("p&ss<w0rd", "OATHG4Z4O4YHEZA"),
        ("p&ss<w0rd", base64.b64encode("p&ss<w0rd".encode("utf-16-le")).decode()),
        ("pässwörd-77", base64.b64encode("pässwörd-77".encode("utf-16-be")).decode()),
    ],
)
def test_s1_other_encodings(value: str, text: str) -> None:
    """S1: hexadecimal digits, base32, and base64 of UTF-16 (PowerShell, Java)."""
    assert holds_secret(f"x {text} y", [value])
    assert Masker([value]).text(f"x {text} y") == f"x {MASK} y"


# As the programs wrote them: printf 'a plaintext p&ss<w0rd-äö\\77!\n' | …
DUMPED = "p&ss<w0rd-äö\\77!"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            # od -A x -t x1z
            "000000 61 20 70 6c 61 69 6e 74 65 78 74 20 70 26 73 73  >a plaintext p&ss<\n"
            "000010 3c 77 30 72 64 2d c3 a4 c3 b6 5c 37 37 21 0a     ><w0rd-....\\77!.<\n00001f",
            "000000 61 20 70 6c 61 69 6e 74 65 78 74 20 M  >a plaintext M<\n000010 M 0a     >M.<\n00001f",
        ),
        (
            # od -c
            "0000000   a       p   l   a   i   n   t   e   x   t       p   &   s   s\n"
            "0000020   <   w   0   r   d   - 303 244 303 266   \\   7   7   !  \\n\n0000037",
            "0000000   a       p   l   a   i   n   t   e   x   t     M\n0000020 M  \\n\n0000037",
        ),
        (
            # xxd
            "00000000: 6120 706c 6169 6e74 6578 7420 7026 7373  a plaintext p&ss\n"
            "00000010: 3c77 3072 642d c3a4 c3b6 5c37 3721 0a    <w0rd-....\\77!.",
            "00000000: 6120 706c 6169 6e74 6578 7420 M  a plaintext M\n00000010: M 0a    M.",
        ),
        (
            # hexdump -C
            "00000000  61 20 70 6c 61 69 6e 74  65 78 74 20 70 26 73 73  |a plaintext p&ss|\n"
            "00000010  3c 77 30 72 64 2d c3 a4  c3 b6 5c 37 37 21 0a     |<w0rd-....\\77!.|\n0000001f",
            "00000000  61 20 70 6c 61 69 6e 74  65 78 74 20 M  |a plaintext M|\n00000010  M 0a     |M.|\n0000001f",
        ),
        (
            # hexdump -C, between the lines of a logger
            "00000000  61 20 70 6c 61 69 6e 74  65 78 74 20 70 26 73 73  |a plaintext p&ss|\nretry in 10 seconds\n"
            "00000010  3c 77 30 72 64 2d c3 a4  c3 b6 5c 37 37 21 0a     |<w0rd-....\\77!.|\nfiles 10 20 30",
            "00000000  61 20 70 6c 61 69 6e 74  65 78 74 20 M  |a plaintext M|\nretry in 10 seconds\n"
            "00000010  M 0a     |M.|\nfiles 10 20 30",
        ),
        (
            # od -A n -t x1: four bytes are a line of a dump
            "61 20 70 6c 61 69 6e 74 65 78 74 20 70 26 73 73\ntook 1000 ms\n3c 77 30 72 64 2d c3 a4 c3 b6 5c 37\n37 21 0a 0a",
            "61 20 70 6c 61 69 6e 74 65 78 74 20 M\ntook 1000 ms\nM\nM 0a 0a",
        ),
    ],
)
def test_s1_dumps_line_by_line(text: str, shown: str) -> None:
    """S1: the bytes and the characters beside them. What stands around the value stays."""
    assert holds_secret(text, [DUMPED])
    assert Masker([DUMPED]).text(text) == shown.replace("M", MASK)


@pytest.mark.parametrize(
    ("last", "shown"),
    [
        ("0000020 21", "0000020 M"),
        ("21 >!<", "M >M<"),
        ("21  |!|", "M  |M|"),
        ("00000010: 21  !", "00000010: M  M"),
        ("00000010: 21", "00000010: M"),
        ("21", None),
        ("21 0a 0a", None),
    ],
)
def test_s1_one_byte_beside_an_offset_or_characters_is_a_line_of_a_dump(last: str, shown: str | None) -> None:
    """S1: and a number alone is none, so the value has no end there."""
    text = f"70 26 73 73 3c 77 30 72 64 2d c3 a4 c3 b6 5c 37 37\n{last}"
    masked = text if shown is None else f"M\n{shown}".replace("M", MASK)
    assert Masker([DUMPED]).text(text) == masked


def test_s1_a_dump_of_what_looks_like_a_secret() -> None:
    """S1: DB_PASSWORD=hunter22x, a value that is not known."""
    text = "0000000 44 42 5f 50 41 53 53 57 4f 52 44 3d 68 75 6e 74\n0000020 65 72 32 32 78 0a\n0000026"
    shown = "0000000 44 42 5f 50 41 53 53 57 4f 52 44 3d M\n0000020 M 0a\n0000026"
    assert masked_words(text) == shown.replace("M", MASK)


@pytest.mark.parametrize(
    "text",
    [
        "00000000: 6120 706c 6169 6e74 6578 7420 7026 7373  a plaintext p&ss",
        "    name: x\n    abc: 12 34 56 78\n\t63 6f 72 72\n",
        "commit abcdef12 34 56\n  deadbeef: cafe babe\n2026-11-26 10 11 12 13 14",
        "0000000 1234 5678\n0000000 123 456 777",
        "   1   2   3   4\n   a   b   c   d   e",
        # Three numbers are the bytes of no dump, also if they are those of the value.
        "0000000 68 75 6e 74 65 72\nfiles 32 32 78",
    ],
)
def test_s5_a_dump_without_a_secret_stays(text: str) -> None:
    """S5: and what only resembles a dump."""
    assert Masker([DUMPED, "hunter22x"]).text(text) == text


@pytest.mark.parametrize(
    ("content", "hidden"),
    [
        ("DB_PASSWORD=Pa$$w0rd!77", {"Pa$$w0rd!77"}),
        ("DB_USER=someone\nDB_PASS='correct horse battery'\n", {"someone", "correct horse battery"}),
        ('export DB_PASS="say \\"hi\\" now"  # ours\n', {'say "hi" now', 'say \\"hi\\" now'}),
        ("LIST=first-1,second-2,third-3\nB=2\n", {"first-1,second-2,third-3"}),
        ("A=12345678901\nAIRFLOW_HOME=/opt/airflow/home\nHOST=db.example.com\nPORT=3306\nDEBUG=true\n", {"12345678901"}),
        ("db:\n  password: 'it''s mine1'\n  host: db\n  driver: mysqlclient\n", {"it's mine1", "it''s mine1"}),
        ('{"db": {"password": "simple words", "driver": "mysqlclient", "key": "a1b2c3d4"}}', {"simple words", "a1b2c3d4"}),
        ("mysql://u:p%40ss%2Fw0rd@db/x", {"p%40ss%2Fw0rd", "p@ss/w0rd"}),
        ('{"auths": {"r": {"auth": "dXNlcjpzM2NyZXQtNDcxMQ=="}}}', {"dXNlcjpzM2NyZXQtNDcxMQ==", "user:s3cret-4711", "s3cret-4711"}),
        ("machine git.example.com login bob password hunter22x", {"hunter22x"}),
        ("DB_PASSWORD='it'\\''s mine1'", {"'it'\\''s mine1'", "it's mine1"}),
        ('"hunter22x"', {"hunter22x"}),
        (
            "passwords:\n  - correct horse\n  - 'staple'\n",
            {"- correct horse\n  - 'staple'", "- correct horse - 'staple'"} | {"correct horse", "'staple'", "staple"},
        ),
        ("db:\n  password:\n    correct horse\n  host: db\n", {"correct horse"}),
        ("db: {password: correct horse, host: db}\n", {"{password: correct horse, host: db}", "correct horse"}),
        ("<server><name>db</name><password>correct horse</password></server>", {"correct horse"}),
        ("<property><name>fs.s3a.secret.key</name>\n<value>correct horse</value></property>", {"correct horse"}),
        ("port 6379\nrequirepass correcthorse\n", {"correcthorse"}),
        ("# the old password: hunter22x\nport 6379", {"hunter22x"}),
        # As YAML has it, the value has quotes.
        ("db_password = '''correct\\horse'''\nhost = 'h'\n", {"correct\\horse", "'correct\\horse'", "''correct\\horse''"}),
        (
            'db_password = """\\\n  correct \\\n  ho\\"rse"""\nhost = "h"\n',
            {'\\\n  correct \\\n  ho\\"rse', '\\ correct \\ ho\\"rse', 'correct ho\\"rse', 'correct ho"rse'},
        ),
    ],
)
def test_s2_values_of_a_file_are_secrets_as_wholes(content: str, hidden: set[str]) -> None:
    """S2: a Secret that is a file. Places, numbers and booleans stay."""
    assert parts(content) - {content.strip()} == hidden


def test_s2_a_word_of_a_value_stays() -> None:
    """S2: of several words none is masked alone."""
    masker = Masker(parts("DB_PASS='correct horse battery'\nLIST=first-1,second-2"))
    assert masker.text("the correct horse; second-2; correct horse battery") == f"the correct horse; second-2; {MASK}"


def test_s3_forms_of_a_url_and_of_a_log_in() -> None:
    """S3: the decoded password of a URL, and base64 with any user before it."""
    masker = Masker(secret_values([secret(url="mysql://u:p%40ss%2Fw0rd@db/x")]))
    for user in ("u", "me", "bob", "some-user"):
        encoded = base64.b64encode(f"{user}:p@ss/w0rd".encode()).decode()
        assert not holds_secret(masker.text(f"p@ss/w0rd and Basic {encoded} and p%40ss%2fw0rd"), ["p@ss/w0rd"])


@pytest.mark.parametrize(
    ("url", "hidden"),
    [
        ("postgres://h/db?user=u&password=s3cr3t%21x", {"s3cr3t!x", "s3cr3t%21x"}),
        ("mysql://u:pa/ss77@db/x", {"pa/ss77"}),
        ("https://glpat-aaaabbbbccccddddeeee@git.example.com/x.git", {"glpat-aaaabbbbccccddddeeee"}),
        ("https://abcdef1234567890abcdef12:x-oauth-basic@git.example.com/x", {"x-oauth-basic", "abcdef1234567890abcdef12"}),
        ("https://bob@git.example.com/x.git", set()),
        ("ssh://git@git.example.com/x.git", set()),
    ],
)
def test_s3_what_a_url_hides(url: str, hidden: set[str]) -> None:
    """S3: a password in the query or with a slash, and a token in the user's place, also in a Secret's key C(url)."""
    assert parts(url) - {url} == hidden
    assert secret_values([secret(url=url)]) >= hidden


@pytest.mark.parametrize("user", ["bob", "gitops", "u", "some-user"])
@pytest.mark.parametrize("value", ["airflow", "hunter2"])
def test_s3_a_log_in_of_any_user_with_a_short_or_common_value(user: str, value: str) -> None:
    """S3: base64 of user:password, whatever the user's length is."""
    encoded = base64.b64encode(f"{user}:{value}".encode()).decode()
    assert not holds_secret(Masker([value]).text(f"credentials {encoded}"), [f"{user}:{value}"])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("Paßw0rd!77".encode("latin-1"), "Paßw0rd!77"),
        ("Paßw0rd!77".encode("latin-1"), "Pa\ufffdw0rd!77"),
        ("DB_PASSWORD=hunter22x".encode("utf-16"), "hunter22x"),
        ("# für alle\nDB_PASSWORD=hunter22x\n".encode("latin-1"), "hunter22x"),
    ],
)
def test_s2_a_secret_that_is_not_utf_8(data: bytes, said: str) -> None:
    """S2: a text in another encoding, as it is and as a log shows it. Other bytes have their base64 alone."""
    values = secret_values([{"data": {"file": base64.b64encode(data).decode()}}])
    assert Masker(values).text(f"got {said} there") == f"got {MASK} there"
    assert len(secret_values([{"data": {"key": base64.b64encode(b"\x00\xff\x01binary").decode()}}])) == 1


@pytest.mark.parametrize(
    "name", ["DB_CREDS", "GIT_CRED", "API_TOKENS", "tokens", "secretkey", "accesskey", "SECRETKEY", "secretaccesskey", "fernetkey"]
)
def test_s4_names_of_secrets(name: str) -> None:
    """S4: plural, short, and written as one word."""
    assert Masker([]).config(f"{name}: correct horse") == f"{name}: {MASK}"


@pytest.mark.parametrize("name", ["tokenAudiences", "hostname", "secrets", "monkey", "publickey", "sacred"])
def test_s4_names_of_no_secrets(name: str) -> None:
    """S4: what only sounds like one."""
    assert Masker([]).config(f"{name}: correct horse") == f"{name}: correct horse"


@pytest.mark.parametrize(
    "text",
    [
        "smtp: {host: mail, password: [correct horse]}",
        "smtp_password =\n    [correct horse]\n",
        "smtp:\n  password:\n    [correct horse]\n  host: mail\n",
        "tokens:\n[- correct horse\n- 'battery']\nhosts:\n- mail\n",
        "env:\n- value: [correct horse]\n  name: SMTP_PASSWORD\n- value: x\n  name: MODE\n",
        'env: [{value: "[correct horse]", name: SMTP_PASSWORD}]',
        "env:\n- name: SMTP_PASSWORD\n  value: [>-\n    correct\n    horse]\n- name: x\n  value: y\n",
        "- op: replace\n  path: /data/password\n  value: [correct horse]\n",
        "<server><name>db</name><password>[correct horse]</password></server>",
        "<property><name>fs.s3a.secret.key</name><value>[correct horse]</value></property>",
        "port 6379\nrequirepass [correcthorse]\n",
        "#password: [correct horse]\n",
        "CREATE USER x WITH PASSWORD '[correct horse]';",
        "mysqladmin -uroot -p[correcthorse] ping",
        "redis-cli -h r -a [correcthorse] ping",
        "sshpass -p [correcthorse] ssh h",
        "curl -fsS -u admin:[correcthorse] http://h",
        "Command '['mysqladmin', '-uroot', '-p[correcthorse]']' returned non-zero exit status 1.",
        'exec: ["redis-cli","-a","[correcthorse]","ping"]: exit status 1',
        "Command '['psql', '--password', '[correcthorse]']' timed out",
        'exec: ["/bin/x","--token","[correcthorse]"]: no such file',
        "docker login -u bob -p [correcthorse] registry.example.com",
        "airflow users create -u admin -p [correcthorse] -r Admin",
        "mysql --password [correcthorse] --user root",
        "https://hooks.slack.com/services/[T0AAAAAAA/B0BBBBBBB/abcdefgh]",
        "https://a.blob.example.com/x?sv=2020&sig=[abcd%2Fefgh1234%3D]&se=1",
        "sent by [xoxb-123456789012-abcdefGHIJKL]",
        # The header without a scheme, and with one that is less known.
        "Authorization: [abc123def456]",
        "> Authorization: [0f8fad5b-d9cb-469f-a165-70867728950e]\r",
        "curl -H 'Authorization: [deadBEEF42]' https://h/x",
        "curl -H Authorization:[deadBEEF42] https://h/x",
        '{"headers": {"Authorization": "[abc123def456]", "Accept": "*/*"}}',
        "headers: map[Accept:*/* Authorization:[[abc123def456]] X:1]",
        "send: b'GET / HTTP/1.1\\r\\nAuthorization: [abc123def456]\\r\\nHost: h'",
        "proxy-authorization: [QWxhZGRpbjpvcGVuIHNlc2FtZQ==]",
        "authorization: [ABCDEFGHabcdefghABCDEFGHabcdefgh]",
        "Authorization: ApiKey [correcthorse]",
        'Authorization: Digest username="bob", realm="r", response="[6629fae49393a05397450978507c4ef1]", opaque=""',
        "Authorization: AWS4-HMAC-SHA256 SignedHeaders=host;x-amz-date, Signature=[fe5f80f77d5fa3beca038a248ff027d0]",
        "httpHeaders:\n- name: Authorization\n  value: [Bearer correct horse]\n",
        # Sentences.
        "The admin password is [hunter22]",
        "your token: is [s3cretvalue], keep it",
        "smtp_password is now [correct#horse] for all",
        "INFO the API key is [sk-abc123]",
        "the password was set to '[correct horse]' by bob",
        "Initial passphrase is: [hunter22]",
        # TOML and Python.
        'password = """[correct horse]"""\nhost = "h"\n',
        "password = '''[correct\nhorse]\n'''\nhost = 'h'\n",
        'db.password = """[\\\n  correct "quoted" \\""" horse]"""\nhost = "h"\n',
        'client_secret = """[it ends with a quote"]"""\n',
        'connect(host="h", password="""[correct\nhorse]""", port=1)',
        'msg="password = \\"\\"\\"[correct horse]\\"\\"\\" host"',
    ],
)
def test_s4_other_ways_to_write_a_secret(text: str) -> None:
    """S4: of YAML, XML, SQL, Redis, and of commands. What stands in brackets is masked, and nothing else."""
    before, _open, rest = text.rpartition("[") if "[" in text.partition("[")[2] else text.partition("[")
    hidden, _close, after = rest.partition("]")
    assert Masker([]).config(f"{before}{hidden}{after}") == f"{before}{MASK}{after}"


@pytest.mark.parametrize(
    "text",
    [
        "flag --password is required",
        "  --password string   Password for basic authentication",
        'Post "https://10.96.0.1:443/api/v1/namespaces/n/serviceaccounts/x/token": dial tcp 10.96.0.1:443: connect: connection refused',
        "max_tokens: 4096\ntokens = 12",
        "Command '['psql', '--password', '--host', 'db']' timed out",
        "--token cannot be used with --password",
        "failed, token: expired",
        "mysqladmin -p -u root ping",
        "secretRef:\n  name: x\n",
        "passwords:\n  secretName: db\n  key: x\n",
        "mkdir -p /var/lib/mysql",
        "path: /data/tokens\nhost: x",
        "<name>password</name> is wanted",
        "# see: the password page",
        "http://token-service.team.svc.cluster.local:3000/a/b.git at 12:30:01",
        "security:\n  authorization: enabled\n",
        "authorization: AlwaysAllow",
        "authorization: rbac.authorization.k8s.io/v1",
        "failed authorization: team-a-12345",
        "authorization: 10.96.0.15:6443",
        "authorization: user bob42 may not list pods",
        "--authorization-mode=Node,RBAC --authorization-kubeconfig=/etc/kubernetes/scheduler.conf",
        "the password is required; the token is expired; the secret was not found",
        "token is valid until 2026-11-27T10:00:00Z; the token was 3600s old",
        "the token is: expired. The password is base64-encoded, the key is 2048-bit",
        "password is 12-character; password is: sha256-hashed; the token is 'expired'",
        "the secret is airflow-db-2, the credentials are git-credentials-1",
        "password was changed to a new one at 10:00",
        'password = """"""\nhost = """h"""\n',
        'description = """the password\nof all"""\n',
    ],
)
def test_s4_what_only_resembles_a_secret_stays(text: str) -> None:
    """S4: sentences, references and other flags."""
    assert Masker([]).config(text) == text


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("\x1b[36mpassword\x1b[0m=\x1b[35mhunter22x\x1b[0m", f"\x1b[36mpassword\x1b[0m=\x1b[35m{MASK}"),
        ("\x1b[36mpw=\x1b[0mhunter", f"\x1b[36mpw=\x1b[0m{MASK}"),
        ("\x1b[1;36mtoken\x1b[0m: \x1b[32m'two words'\x1b[0m", f"\x1b[1;36mtoken\x1b[0m: \x1b[32m'{MASK}'\x1b[0m"),
        ("\x1b[31mERROR\x1b[0m invalid token: expired", "\x1b[31mERROR\x1b[0m invalid token: expired"),
    ],
)
def test_s4_names_and_values_in_colours(said: str, shown: str) -> None:
    """S4: as loggers write them that colour names and values, such as structlog and zerolog."""
    assert masked_words(said) == shown


def test_s4_a_config_map_with_binary_data() -> None:
    """S4: a file that is not text is base64, in which no name is seen."""
    encoded = base64.b64encode(b"smtp_password = correct horse\n").decode()
    shown = json.loads(Masker([]).manifest({"kind": "ConfigMap", "binaryData": {"airflow.cfg": encoded}}))
    assert shown["binaryData"] == {"airflow.cfg": f"{len(encoded)} characters"}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ([{"op": "add", "path": "/data/password", "value": "x y"}], [{"op": "add", "path": "/data/password", "value": MASK}]),
        ({"password": {"value": "x y", "key": "z"}}, {"password": {"value": MASK, "key": "z"}}),
        (["mysqladmin", "-uroot", "-phunter", "ping"], ["mysqladmin", "-uroot", f"-p{MASK}", "ping"]),
        (["curl", "-u", "bob:hunter", "http://h"], ["curl", "-u", f"bob:{MASK}", "http://h"]),
        (["mkdir", "-p", "/x"], ["mkdir", "-p", "/x"]),
        ({"Authorization": "Bearer horse"}, {"Authorization": f"Bearer {MASK}"}),
        ({"authorization": "abc123def456", "mode": "RBAC"}, {"authorization": MASK, "mode": "RBAC"}),
        ([{"name": "Authorization", "value": "Basic aG9yc2U="}], [{"name": "Authorization", "value": f"Basic {MASK}"}]),
        # Headers as pairs, as names and values in turn, and with several values.
        (["Authorization", "Bearer horse"], ["Authorization", f"Bearer {MASK}"]),
        (
            {"headers": [["Host", "h"], ["authorization", "Basic aG9yc2U="]]},
            {"headers": [["Host", "h"], ["authorization", f"Basic {MASK}"]]},
        ),
        (
            ["Host", "h", "Authorization:", "Bearer horse", "Accept", "*/*"],
            ["Host", "h", "Authorization:", f"Bearer {MASK}", "Accept", "*/*"],
        ),
        ({"Authorization": ["Bearer horse", "Basic aG9yc2U="]}, {"Authorization": [f"Bearer {MASK}", f"Basic {MASK}"]}),
        (["Authorization", ["Bearer horse"]], ["Authorization", [f"Bearer {MASK}"]]),
        ([{"name": "Authorization", "values": ["Bearer horse"]}], [{"name": "Authorization", "values": [f"Bearer {MASK}"]}]),
        ([{"key": "Proxy-Authorization", "value": "Basic aG9yc2U="}], [{"key": "Proxy-Authorization", "value": f"Basic {MASK}"}]),
        ([{"header": "Authorization", "value": "Bearer horse"}], [{"header": "Authorization", "value": f"Bearer {MASK}"}]),
        ([["Cookie", "session=horse"], {"Set-Cookie": ["id=horse; Path=/"]}], [["Cookie", MASK], {"Set-Cookie": [MASK]}]),
        (["authorization", "mode", "enabled"], ["authorization", "mode", "enabled"]),
        ({"key": "authorization", "operator": "In", "values": ["rbac", "webhook"]},) * 2,
        ({"cookie": {"name": "session"}, "Cookie": "none"},) * 2,
        (
            {"authorization": {"mode": "Webhook"}, "Authorization": "enabled"},
            {"authorization": {"mode": "Webhook"}, "Authorization": "enabled"},
        ),
    ],
)
def test_s4_structures(value: Any, shown: Any) -> None:
    """S4: a patch, a value one level deeper, arguments of a command."""
    assert json.loads(Masker([]).json(json.dumps(value))) == shown


def test_s1_a_secret_without_a_value() -> None:
    """S1: Go writes an empty value as null."""
    assert json.loads(Masker([]).manifest({"kind": "Secret", "data": {"x": None}}))["data"] == {"x": "0 characters"}


CONFIG = "[smtp]\nsmtp_host = mail\nsmtp_password = hunter22x, and more\nfernet_key =\n[core]\nparallelism = 32\n"


def test_s4_a_configuration_file() -> None:
    """S4: a ConfigMap's airflow.cfg."""
    shown = json.loads(Masker([]).manifest({"kind": "ConfigMap", "data": {"airflow.cfg": CONFIG}}))
    assert shown["data"]["airflow.cfg"] == CONFIG.replace("hunter22x, and more", MASK)


def test_s4_what_has_no_secret_stays() -> None:
    """S4: empty lists, references to Secrets, checksums, files of tokens; a JSON document stays byte for byte."""
    document = '{"a":[], "args": ["--token-file", "/x"],\n "checksum/dags-credentials": "1f19bdd0", "existingSecret": "smtp", "n": null}'
    assert Masker(["other-value"]).json(document) == document


def test_s4_flags_of_a_command() -> None:
    """S4: with the password in the same argument or in the next one."""
    args = ["--requirepass", "hunter22x", "--password=hunter22x", "--user", "bob"]
    shown = json.loads(Masker([]).manifest({"kind": "Pod", "spec": {"args": args}}))
    assert shown["spec"]["args"] == ["--requirepass", MASK, f"--password={MASK}", "--user", "bob"]


def test_s4_an_application() -> None:
    """S4: passwords in the chart's values, whichever way they are given, also in what Argo CD repeats of them. Names of Secrets stay."""
    helm = {
        "values": "smtp:\n  host: mail\n  password: 'it''s mine'\n  text: |\n    a\n  clientSecret: >-\n    folded\n    text\n",
        "valuesObject": {"smtp": {"password": "hunter22x", "existingSecret": "smtp"}, "fernetKeySecretName": "airflow-fernet-key"},
        "parameters": [{"name": "smtp.password", "value": "hunter22x"}, {"name": "smtp.host", "value": "mail"}],
    }
    hidden = {
        "values": f"smtp:\n  host: mail\n  password: '{MASK}'\n  text: |\n    a\n  clientSecret: >-\n    {MASK}\n",
        "valuesObject": {"smtp": {"password": MASK, "existingSecret": "smtp"}, "fernetKeySecretName": "airflow-fernet-key"},
        "parameters": [{"name": "smtp.password", "value": MASK}, {"name": "smtp.host", "value": "mail"}],
    }
    item = {"kind": "Application", "spec": {"source": {"helm": helm}}, "status": {"history": [{"source": {"helm": helm}}]}}
    shown = json.loads(Masker([]).manifest(item))
    assert shown["spec"]["source"]["helm"] == hidden
    assert shown["status"]["history"][0]["source"]["helm"] == hidden


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("pod airflow-core/airflow-scheduler-5d8f of apache/airflow:2.6.3 in airflow", None),
        ("user airflow, database airflow: connected", None),
        ("mysql://airflow:airflow@db/airflow", f"mysql://airflow:{MASK}@db/airflow"),
        ('{"user": "airflow", "password": "airflow"}', f'{{"user": "airflow", "password": "{MASK}"}}'),
        ("DB_PASS=airflow", f"DB_PASS={MASK}"),
        ("Basic YWlyZmxvdzphaXJmbG93", f"Basic YWlyZmxvdz{MASK}"),
        ("hunter2 and hunter22 and a-hunter2", f"{MASK} and hunter22 and a-hunter2"),
        ("in team-reports, pod team-reports-1", None),
    ],
)
def test_s5_a_short_or_common_value_only_where_it_is_one(text: str, shown: str | None) -> None:
    """S5: a name only where its place says that it is a secret, a short value only as a word of its own."""
    masker = Masker(["airflow", "hunter2", "airflow-core", "team-reports"], names=["team-reports"])
    assert masker.text(text) == (text if shown is None else shown)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("analytics", "pod team-analytics/x-0"),
        ("warehouse", "http://warehouse-db:80/"),
        ("finance-prod", "namespace finance-prod-workers"),
        ("airflow123", "pod airflow123-web-0"),
    ],
)
def test_s5_a_value_that_is_a_part_of_a_name(value: str, text: str) -> None:
    """S5: as long as DISTINCT or longer, and a part of what an object is called. Behind a secret's name it is masked."""
    masker = Masker([value], names=["team-analytics", "warehouse-db", "finance-prod-workers", "airflow123-web"])
    assert masker.text(text) == text
    assert masker.text(f"DB_PASS={value}") == f"DB_PASS={MASK}"
    for name in ("team-xreports1", "https://bob:reports1@git.example.com/x"):
        assert Masker(["reports1"], names=[name]).text("reports1") == MASK


@pytest.mark.parametrize(
    "text",
    [
        "a" * 500_000,
        "%" * 100_000,
        "\\" * 100_000,
        "password='" * 20_000,
        "://a:" * 50_000,
        "abc1" + "'" * 200,
        'name=\\"A\\",value=\\"' * 5000,
        "value: " * 20_000,
        "- value: a\n" * 20_000,
        "{password: a, " * 20_000,
        "<name>a</name><value>" * 5000,
        "password:\n" + "  x\n" * 50_000,
        "curl -u " * 20_000,
        'x = """a\n' * 20_000,
        "password = " + '"' * 100_000,
        "password is " * 20_000,
        "Authorization: " * 20_000,
    ],
    ids=[
        *("word", "percent", "backslashes", "quotes", "URLs", "quoted value", "pairs"),
        *("values", "list of values", "mappings", "XML", "next lines", "commands"),
        *("open fences", "row of quotes", "sentences", "headers"),
    ],
)
def test_no_text_takes_minutes(text: str) -> None:
    """Each takes a fraction of a second; a pattern that tries all ways to share out such a text would not end."""
    masker = Masker(["a1b2&c3d4e5", "'" * 30 + "abc1" + "'" * 30])
    assert not holds_secret(masker.config(text), masker.distinct)


@pytest.mark.parametrize(
    ("length", "said", "shown"),
    [
        (600, "cannot log in with https://bob:hunter22@git/x", f"cannot log in with https://bob:{MASK}@git/x"),
        (40, f"{'a ' * 40}password='two words' {'b ' * 40}", "a a a a a a … b b b b b b b b b b b b"),
        (60, f"{'a ' * 20}PASSWORD='{'x ' * 40}end'", f"{'a ' * 20}PASSWORD='{MASK}'"),
    ],
)
def test_s3_what_is_shortened_is_masked_before(length: int, said: str, shown: str) -> None:
    """S3: half a secret is none that a pattern finds."""
    assert shorten(said, length) == shown


@pytest.mark.parametrize("time", ["2026-11-26T17:36:15Z", "2026-11-26T17:36:15.713902705Z", "2026-11-26T17:36:15+01:00"])
def test_s5_a_time_in_a_secret_hides_no_other_line_of_that_second(time: str) -> None:
    """As Argo CD's admin.passwordMtime, seen in a bundle."""
    assert secret_values([{"data": {"admin.passwordMtime": base64.b64encode(time.encode()).decode()}}]) == set()
