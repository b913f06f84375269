# shellcheck shell=sh
# Runs in Gitea's container. usage: sh -s foreign | sh -s own
# foreign: commits another platform's owner mark. own: reverts that commit.
set -eu
mark=platform/airflow/core/.gitops-airflow-owner
cd /var/lib/gitea/repositories/gitops/platform.git
main=$(git rev-parse refs/heads/main)
case $1 in
  foreign)
    export GIT_INDEX_FILE=/tmp/owner-mark.index GIT_AUTHOR_NAME=other GIT_AUTHOR_EMAIL=other@example.com
    export GIT_COMMITTER_NAME=other GIT_COMMITTER_EMAIL=other@example.com
    git cat-file -e "$main:$mark"
    git read-tree "$main"
    blob=$(echo 'airflow-other@00000000-0000-4000-8000-000000000000' | git hash-object -w --stdin)
    git update-index --add --cacheinfo "100644,$blob,$mark"
    git update-ref refs/heads/main "$(git commit-tree "$(git write-tree)" -p "$main" -m 'Take the folder over')" "$main"
    rm "$GIT_INDEX_FILE"
    ;;
  own) git update-ref refs/heads/main "$(git rev-parse 'refs/heads/main^')" "$main" ;;
esac
