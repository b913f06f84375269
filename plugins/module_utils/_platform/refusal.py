# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a platform must not be changed, and how several reasons become one error."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError


@dataclass(frozen=True)
class Refusal:
    """Why nothing is changed: the value at fault, the rule, the sentence for a person, and the next action."""

    code: str
    value: str
    rule: str
    message: str
    next_action: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def numbered(texts: Iterable[str]) -> str:
    """One text as it is, several as a numbered list with a line each."""
    lines = list(texts)
    return lines[0] if len(lines) == 1 else "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1))


def as_error(refusals: Sequence[Refusal], ending: str = "") -> CollectionError:
    """All refusals as one error. ``ending`` says what was changed until then. The code is the common one, or C(refused)."""
    if not refusals:
        raise ValueError("there is no refusal")
    causes, codes = numbered(refusal.message for refusal in refusals), {refusal.code for refusal in refusals}
    lines = [causes, ending] if len(refusals) == 1 else [f"There are {len(refusals)} problems.", causes, ending]
    actions = [refusal.next_action for refusal in refusals]
    return CollectionError(
        (" " if len(refusals) == 1 else "\n").join(filter(None, lines)),
        numbered(actions if len(set(actions)) > 1 else actions[:1]),
        codes.pop() if len(codes) == 1 else "refused",
    )


def enforce(refusals: Sequence[Refusal], ending: str = "") -> None:
    """Raises all refusals as one CollectionError, if there are any."""
    if refusals:
        raise as_error(refusals, ending)
