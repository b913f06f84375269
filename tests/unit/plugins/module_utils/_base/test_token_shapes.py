# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""S2, S3: secrets that nothing names, by their own form, and what only looks like them. V is the secret in a text."""

from __future__ import annotations

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._base.mask import MASK, Masker

LETTERS, HEX = "Zx9qLm4Tt7Zx9qLm4Tt7Zx9qLm4Tt7Zx9qLm4", "0123456789abcdef" * 2
BCRYPT = "$2b$12$abcdefghijklmnopqrstuuZx9qLm4Tt7Zx9qLm4Tt7Zx9qLm4Tt7Z"


def masked(text: str) -> str:
    return Masker(()).text(text)


@pytest.mark.parametrize(
    "token",
    [
        f"npm_{LETTERS}",
        f"pypi-AgEIcHlwaS5vcmc{LETTERS}",
        f"dckr_pat_{LETTERS}",
        f"hvs.{LETTERS}",
        f"sk-proj-{LETTERS}",
        f"sk_live_{LETTERS}",
        f"AIza{LETTERS[:35]}",
        f"ya29.{LETTERS}",
        f"dapi{HEX}",
        f"glrt-{LETTERS}",
        f"glpat-{LETTERS}",
        f"glsa_{LETTERS}",
        f"xapp-1-{LETTERS}",
        f"SG.{LETTERS}.{LETTERS}",
        f"ATATT3x{LETTERS}",
        f"ghp_{LETTERS}",
        f"AGE-SECRET-KEY-1{LETTERS.upper()}",
        f"eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.{LETTERS}",
        BCRYPT,
        "$apr1$salt$Zx9qLm4Tt7u8Zx9qLm4Tt.",
        "$6$rounds=5000$salt$Zx9qLm4Tt7u8",
        "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$Zx9qLm4Tt7u8",
    ],
)
@pytest.mark.parametrize("text", ["pushed with {} to the server", "['{}']", "ann:{}", "x={}"])
def test_a_token_is_known_by_its_form(token: str, text: str) -> None:
    found = masked(text.format(token))
    assert token not in found
    assert MASK in found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"POST https://hooks.slack.com/triggers/{LETTERS}", f"POST https://hooks.slack.com/triggers/{MASK}"),
        (f"url https://discord.com/api/webhooks/12/{LETTERS} 204", f"url https://discord.com/api/webhooks/12/{MASK} 204"),
        (f"https://acme.webhook.office.com/webhookb2/{HEX}@x/y", f"https://acme.webhook.office.com/webhookb2/{MASK}"),
        (f"https://api.telegram.org/bot123:{LETTERS}/getMe", f"https://api.telegram.org/bot{MASK}/getMe"),
        (f"https://s/c/b?sv=1&sig={LETTERS}%3D&se=2", f"https://s/c/b?sv=1&sig={MASK}&se=2"),
        ("db.example.com:5432:airflow:ann:hunter22", f"db.example.com:5432:airflow:ann:{MASK}"),
        ("*:*:*:ann:hunter22", f"*:*:*:ann:{MASK}"),
        ("bindpw hunter22", f"bindpw {MASK}"),
        (f"got Bearer {LETTERS}= from the client", f"got Bearer {MASK} from the client"),
        ("requests.get(url, auth=('ann', 'hunter22'))", f"requests.get(url, auth={MASK}', '{MASK}'))"),
        ("Password for ann: hunter22", f"Password for ann: {MASK}"),
        ("Password for 'https://ann@git': hunter22", f"Password for 'https://ann@git': {MASK}"),
        ("password => 'hunter 22'", f"password => '{MASK}'"),
        ("ENV TOKEN hunter22", f"ENV TOKEN {MASK}"),
        ("setx DB_PASSWORD hunter22", f"setx DB_PASSWORD {MASK}"),
        ("password\thunter22", f"password\t{MASK}"),
        ("htpasswd -bB users ann hunter22", f"htpasswd -bB users ann {MASK}"),
        ("kubectl create secret generic x --from-literal=k=hunter22", f"kubectl create secret generic x --from-literal=k={MASK}"),
    ],
)
def test_only_the_secret_is_masked(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "npm_config_cache=/tmp/npm",
        "sk-test.example.com",
        "task-Zx9qLm4Tt7Zx9qLm4Tt7Zx9q",
        "glance-20260101T000000Z-0000000000",
        "hvac.client",
        "$1 and $2 are arguments; $HOME$",
        "10:30:00:123:456",
        "12:5432:1:2:3",
        "bearer of the message 2026",
        "Bearer token-review",
        "Password for ann: ",
        "the password for the database: see the vault",
        "ENV TOKEN_FILE /run/secrets/token",
        "htpasswd -n ann",
        "https://discord.com/api/webhooks",
        "token\tname",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert masked(text) == text
