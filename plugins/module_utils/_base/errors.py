# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors for a person, and what a request to a server may end in."""

from __future__ import annotations

PASSING = (429, 500, 502, 503, 504)
# Codes of requests that failed, by their HTTP status; RequestError says what 0 and -1 are.
CODES = {-1: "bad_access", 0: "unreachable", 401: "unauthorized", 403: "forbidden", 404: "not_found", 409: "conflict", 429: "busy"}


def sentence(text: str) -> str:
    """The text with a period at its end, unless it has one already or ends as another sentence does."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


class CollectionError(Exception):
    """What cannot be done and why (``message``), what to do (``next_action``), and a name for programs (``code``).

    The next action is one or more whole sentences in the imperative. It is never part of the message.
    """

    default_code = "failed"

    def __init__(self, message: str, next_action: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_action = next_action
        self.code = code or self.default_code

    @property
    def text(self) -> str:
        """Message and next action as sentences, for a note or a warning."""
        if not self.next_action:
            return self.message
        return f"{sentence(self.message)} {self.next_action}"

    def result(self) -> dict[str, str]:
        """The fields of a module's result. Fields without a value are left out."""
        fields = {"msg": self.message, "next_action": self.next_action, "code": self.code}
        return {name: value for name, value in fields.items() if value}


class InputError(CollectionError, ValueError):
    """An option that makes no sense. Raised before anything is done."""

    default_code = "bad_option"


class RequestError(CollectionError):
    """A refusal or no answer. ``status`` is the HTTP status, 0 if no answer came, -1 if none ever will."""

    def __init__(self, status: int, message: str, next_action: str = "", code: str = "") -> None:
        super().__init__(message, next_action, code or CODES.get(status) or ("server_error" if status >= 500 else "refused"))
        self.status = status

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed in a moment: the server starts, restarts or is busy."""
        return self.status == 0 or self.status in PASSING


class ApiError(RequestError):
    """The Kubernetes API server's. ``fields`` are those of a sent object that it finds at fault."""

    fields: tuple[str, ...] = ()


class LibraryMissing(ApiError):
    """What the requests need is not installed."""


class AirflowError(RequestError):
    """The Airflow webserver's."""
