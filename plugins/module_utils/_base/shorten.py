# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others said, short enough for a message. Pure."""

from __future__ import annotations

import re

from ansible_collections.gitops.airflow.plugins.module_utils._base.mask import masked_words

# What gRPC and Argo CD put before a reason, and folders of a file: they say nothing of it.
_WRAPPER = re.compile(r"rpc error: code = Unknown desc = |Manifest generation error \(cached\): |<api versions removed> ")
_FOLDERS = re.compile(r"(?<![\w:/.~-])/(?:[^\s/:'\"`,;]+/){2,}")


def _without_repetition(line: str) -> str:
    """The line without wrappers, without folders of files, and each of its parts that stands there again only once, the last time."""
    parts = _FOLDERS.sub("…/", _WRAPPER.sub("", line)).split(": ")
    # A single word may say what follows it, such as that it is a password.
    return ": ".join(part for index, part in enumerate(parts) if " " not in part or part not in parts[index + 1 :])


def shorten(text: str, length: int = 600) -> str:
    """One line of at most ``length`` characters, without what looks like a secret: the cause of what failed stands last, so it is kept.

    Wrappers, folders and repetitions go first, then the middle. It is cut between words, so that half a URL with a password is not left,
    which no pattern finds.
    """
    line = " ".join(masked_words(text).split())
    if len(line) <= length:
        return line
    line = _without_repetition(line)
    if len(line) <= length:
        return line
    head = line[: length // 3]
    tail = line[len(line) - (length - len(head) - 3) :]
    return f"{head.rpartition(' ')[0] or head} … {tail.partition(' ')[2] or tail}"
