#!/bin/sh
# As the official image: options alone, or a configuration file, go to redis-server.
set -e
case ${1:-} in
  -* | *.conf) set -- redis-server "$@" ;;
esac
# Reachable from other pods, as the official image's build sets it.
if [ "${1:-}" = redis-server ]; then
  shift
  exec redis-server --protected-mode no "$@"
fi
exec "$@"
