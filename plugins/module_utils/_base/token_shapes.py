# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that are known by their own form: tokens with a prefix, hashes of passwords, addresses to which whoever knows them may post.

The forms are those that the issuers document. Each pattern has the group ``value``.
"""

from __future__ import annotations

import re

_TOKENS = (
    r"gh[pousr]_\w{20,}|github_pat_\w{20,}",
    r"gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat|oas|ffct|rtr)-[\w.-]{20,}",  # GitLab
    r"xox[abeoprs]-[\w-]{10,}|xapp-[\w-]{10,}",  # Slack
    r"npm_\w{30,}|pypi-AgE[\w-]{16,}|dckr_pat_[\w-]{20,}",
    r"hv[sbr]\.[\w-]{20,}",  # Vault and OpenBao
    r"sk-[\w-]{20,}|[sr]k_(?:live|test)_\w{16,}",  # OpenAI, Anthropic, Stripe
    r"AIza[\w-]{35}|ya29\.[\w-]{20,}",  # Google
    r"dapi[0-9a-f]{32}",  # Databricks
    r"glsa_\w{20,}|SG\.[\w-]{16,}\.[\w-]{16,}|ATATT3x[\w=-]{20,}",  # Grafana, SendGrid, Atlassian
    r"AGE-SECRET-KEY-1[0-9A-Z]{20,}",
    r"eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+",  # a JSON web token
)
# A hash of a password can be tried offline: bcrypt, the others of crypt(3), Apache's, Argon2.
_HASHES = r"\$(?:2[abxy]\$\d\d\$[./\w]{53}|(?:apr1|[156y]|7)\$[^\s:\"'\\]{8,}|argon2(?:i|d|id)\$[^\s:\"'\\]{16,})"
PATTERNS = (
    re.compile(rf"(?<![\w.-])(?P<value>{'|'.join(_TOKENS)})"),
    re.compile(rf"(?<![\w$])(?P<value>{_HASHES})"),
    # Whoever knows these addresses may post to them.
    re.compile(r"://hooks\.slack\.com/(?:services|workflows|triggers)/(?P<value>[\w/-]+)"),
    re.compile(r"://(?:\w+\.)?discord(?:app)?\.com/api/webhooks/\d+/(?P<value>[\w-]+)"),
    re.compile(r"://[\w.-]+\.webhook\.office\.com/webhookb2/(?P<value>[\w@/-]+)"),
    re.compile(r"://api\.telegram\.org/(?:file/)?bot(?P<value>\d+:[\w-]+)"),
    re.compile(r"(?i)[?&](?:sig|(?:x-amz-|x-goog-)?signature)=(?P<value>[^&\s\"'\\]+)"),  # addresses that are signed
)
# What a line has that may match: without it the patterns need not be tried.
HINT = (
    r"gh[pousr]_|github_pat_|gl[a-z]{2,5}-|xox|xapp-|npm_|pypi-|dckr_pat_|hv[sbr]\.|sk-|[sr]k_|AIza|ya29|dapi|glsa_|SG\.|ATATT|AGE-SECRET"
    r"|eyJ|\$(?:\w{1,8})\$|://"
)
