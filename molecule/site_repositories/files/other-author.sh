#!/bin/sh
# A hook of the Git server: another author pushes to the same branch soon after the next push, once, while Argo CD syncs that.
set -e
rm "$0"
export GIT_AUTHOR_NAME=other GIT_AUTHOR_EMAIL=other@git.invalid GIT_COMMITTER_NAME=other GIT_COMMITTER_EMAIL=other@git.invalid
(
  sleep 10
  git update-ref refs/heads/main "$(git commit-tree -p main -m "Another author's" "main^{tree}")"
) >/dev/null 2>&1 &
