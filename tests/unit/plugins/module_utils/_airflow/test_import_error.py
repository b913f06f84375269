# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an import error says."""

from __future__ import annotations

import pytest
from ansible_collections.gitops.airflow.plugins.module_utils._airflow.import_error import exception_text, line_in


@pytest.mark.parametrize(
    ("trace", "text"),
    [
        (
            "Traceback (most recent call last):\n  File \"a.py\", line 1\n    import x\nModuleNotFoundError: No module named 'x'\n",
            "ModuleNotFoundError: No module named 'x'",
        ),
        (
            'Traceback (most recent call last):\n  File "a.py"\npydantic.ValidationError: 1 error\nfield\n  required\nFor more see x',
            "pydantic.ValidationError: 1 error field required For more see x",
        ),
        (
            'Traceback (most recent call last):\n  File "a.py"\nValueError: the pool is unknown\nExpected: default_pool\nGot: x',
            "ValueError: the pool is unknown Expected: default_pool Got: x",
        ),
        (
            'Traceback (most recent call last):\n  File "a.py"\n    x\nKeyError: 1\n\nDuring handling of the above exception, another '
            'exception occurred:\n\nTraceback (most recent call last):\n  File "a.py"\n    y\nRuntimeError: outer\nHint: none',
            "RuntimeError: outer Hint: none",
        ),
        ("something odd", "something odd"),
        ("first line\nand the last", "and the last"),
        ("", ""),
        (None, ""),
    ],
)
def test_v19_an_import_error_keeps_its_reason(trace: str | None, text: str) -> None:
    assert exception_text(trace) == text


TRACE = """Traceback (most recent call last):
  File "<frozen importlib._bootstrap>", line 241, in _call_with_frames_removed
  File "/opt/airflow/dags/repo/dags/bad.py", line 7, in <module>
    f()
  File "/opt/airflow/dags/repo/dags/bad.py", line 3, in f
    helper.g()
  File "/opt/airflow/dags/repo/dags/helper.py", line 1, in g
    import nothing_here
ModuleNotFoundError: No module named 'nothing_here'
"""


@pytest.mark.parametrize(("name", "line"), [("bad.py", 3), ("helper.py", 1), ("other.py", None), ("bad", None)])
def test_f18_the_line_of_the_file_itself(name: str, line: int | None) -> None:
    assert line_in(TRACE, f"/opt/airflow/dags/repo/dags/{name}") == line
    assert line_in(None, name) is None
