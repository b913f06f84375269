#!/usr/bin/env bash
# ansible-test sanity on a copy of the checkout, with kubernetes.core beside it. Needs .venv (make dev) and the package index, nothing else.
# usage: tests/sanity.sh [ansible-test's arguments]     for instance: tests/sanity.sh --test validate-modules
# One interpreter is tested, the one of .venv: which others a machine has differs from machine to machine.
set -euo pipefail
cd "$(dirname "$0")/.."
started=$SECONDS
python=$PWD/.venv/bin/python
work=$PWD/.ansible/sanity
root=$work/ansible_collections
copy=$root/gitops/airflow

# ansible-test refuses a linked collection, and takes its files from the nearest git repository: so a copy of what git would keep,
# with a repository of its own. Left out are the lab, which does not belong to the collection, and Helm's templates, which are not
# YAML before Helm has rendered them, and manifests of several documents, as kubectl takes them.
rm -rf "$root"
mkdir -p "$copy" "$root/kubernetes"
git ls-files -co --exclude-standard -z -- . ':!lab' ':!roles/*/files/*/templates/*' ':!docs/rbac' | while IFS= read -r -d '' file; do
  if [ -e "$file" ]; then printf '%s\0' "$file"; fi
done | tar -c --null -T - | tar -x -C "$copy"
git init -q "$copy"
"$python" -c 'import ansible_collections.kubernetes.core as c; print(*c.__path__, sep="\n")' | head -n 1 |
  xargs -I{} cp -r {} "$root/kubernetes/core"

# Its virtual environments and caches stay in the work folder. It drops most of the environment, so what pip needs to reach the
# index goes into a configuration of its own. The pip that it would download from its own server comes from Python's ensurepip.
home=$work/home
rm -rf "$home/.pip" "$home/.config"
mkdir -p "$home/.pip" "$home/.config/pip" "$home/.ansible/test/cache"
ln -s "$HOME/.config/pip/pip.conf" "$home/.pip/pip.conf"
{
  echo "[global]"
  echo "cache-dir = ${PIP_CACHE_DIR:-$HOME/.cache/pip}"
  for setting in INDEX_URL EXTRA_INDEX_URL TRUSTED_HOST CERT CLIENT_CERT PROXY FIND_LINKS DEFAULT_TIMEOUT; do
    name=PIP_$setting
    if [ -n "${!name:-}" ]; then echo "${setting//_/-} = ${!name}" | sed 's/^[^=]*/\L&/'; fi
  done
} > "$home/.config/pip/pip.conf"
chmod 600 "$home/.config/pip/pip.conf"
pip=$("$python" -c 'import ansible_test._internal.python_requirements as r, inspect, re; print(re.search(r"pip=.([0-9.]+)", inspect.getsource(r))[1])')
cat > "$home/.ansible/test/cache/get_pip_${pip//./_}.py" <<'PYTHON'
import subprocess
import sys

wanted = [argument for argument in sys.argv[1:] if "==" in argument]
subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--root-user-action=ignore", *wanted], check=True)
PYTHON
export PYENV_ROOT=${PYENV_ROOT:-$HOME/.pyenv} HOME=$home LC_ALL=${LC_ALL:-C.UTF-8}

cd "$copy"
status=0
"$python" "$(dirname "$python")/ansible-test" sanity --local --python "$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')" \
  --color no "$@" || status=$?
echo "== sanity took $((SECONDS - started)) s"
exit "$status"
