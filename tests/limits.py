# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of tests."""

# Ends a program that hangs. It is not a measure of speed: beside the other stages a program of 4 s can take 100 s.
HANG_SECONDS = 600
