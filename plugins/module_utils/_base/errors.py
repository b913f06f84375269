# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request to a server may end in."""

from __future__ import annotations

PASSING = (429, 500, 502, 503, 504)


class RequestError(Exception):
    """A refusal or no answer. ``status`` is the HTTP status, 0 where no answer came, -1 where none ever will."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed in a moment: the server starts, restarts or is busy."""
        return self.status == 0 or self.status in PASSING


class ApiError(RequestError):
    """The Kubernetes API server's."""


class LibraryMissing(ApiError):
    """What the requests need is not installed."""


class AirflowError(RequestError):
    """The Airflow webserver's."""
