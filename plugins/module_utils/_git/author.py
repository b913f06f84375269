# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who a commit is by: the defaults, and what git would silently change or refuse. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

NAME, EMAIL = "gitops.airflow", "gitops-airflow@localhost"
# A commit's header has one line for the author, in which angle brackets enclose the e-mail address. git removes line breaks and angle
# brackets (ident.c: strbuf_addstr_without_crud), so that the commit would be by another author than the given one. Control characters
# separate the fields of git's log where history.py reads it.
FORBIDDEN = re.compile(r"[<>\x00-\x1f\x7f\x85\u2028\u2029]")
# git strips these from both ends, and refuses a name of nothing else (ident.c: crud). A stripped name does no harm. By a stripped address
# the next run would not know its own commits.
STRIPPED = " .,:;<>\"\\'"


def name_problem(name: Any) -> str:
    """Why this cannot be the name of an author, as the end of a sentence, or an empty text."""
    if not isinstance(name, str):
        return "must be a text"
    if FORBIDDEN.search(name):
        return "must be one line without angle brackets and control characters"
    return "" if name.strip(STRIPPED) else "must contain a letter or a digit"


def email_problem(email: Any) -> str:
    """Why this cannot be the e-mail address of an author, as the end of a sentence, or an empty text. git needs no @ in it."""
    if not isinstance(email, str):
        return "must be a text"
    if FORBIDDEN.search(email):
        return "must be one line without angle brackets and control characters"
    if not email:
        return "must not be empty"
    stripped = email != email.strip(STRIPPED)
    return "must not begin or end with a space, a quotation mark or one of . , : ; \\, which git removes" if stripped else ""


PROBLEMS = {"name": name_problem, "email": email_problem}


def author_problem(author: Any) -> str:
    """Why this dictionary cannot describe an author, as the end of a sentence, or an empty text. A key may be missing or empty."""
    if not isinstance(author, Mapping):
        return "must be a dictionary with the keys name and email"
    unknown = sorted(map(str, author.keys() - PROBLEMS.keys()))
    if unknown:
        return f"has the key {unknown[0]!r}; its keys are name and email"
    for key, problem in PROBLEMS.items():
        why = problem(author[key]) if author.get(key) not in (None, "") else ""
        if why:
            return f"has the {key} {author[key]!r}, which {why}"
    return ""
