#!/bin/sh
# A hook of the Git server: somebody pushes to the same branch soon after the next push, once, while Argo CD brings that.
set -e
rm "$0"
export GIT_AUTHOR_NAME=somebody GIT_AUTHOR_EMAIL=somebody@git.invalid GIT_COMMITTER_NAME=somebody GIT_COMMITTER_EMAIL=somebody@git.invalid
(
  sleep 10
  git update-ref refs/heads/main "$(git commit-tree -p main -m "Somebody else's" "main^{tree}")"
) >/dev/null 2>&1 &
