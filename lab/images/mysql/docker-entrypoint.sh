#!/bin/bash
# GPL-3.0-or-later
# Starts MySQL as the official image's entrypoint does, for what the platform uses of it: on an empty data folder it makes the
# system tables, the database MYSQL_DATABASE, its user MYSQL_USER/MYSQL_PASSWORD and root's password, then runs mysqld with the
# arguments given. Each step is safe to interrupt: the data folder counts as ready only when all of it is done.
set -euo pipefail

data=/var/lib/mysql
fresh=$data/initialising # no leading dot: InnoDB finds no tablespaces in hidden folders

quoted() { local text=${1//\\/\\\\}; printf "'%s'" "${text//\'/\'\'}"; }

initialise() {
  if [ -z "${MYSQL_ROOT_PASSWORD:-}" ] && [ -z "${MYSQL_ALLOW_EMPTY_PASSWORD:-}" ]; then
    echo "mysql: the data folder is empty and MYSQL_ROOT_PASSWORD is not set" >&2
    exit 1
  fi
  rm -rf "$fresh"
  mkdir "$fresh"
  echo "mysql: making the system tables"
  mysqld --no-defaults --initialize-insecure --datadir="$fresh" --mysqlx=OFF --secure-file-priv=NULL "$@"
  echo "mysql: making database and users"
  {
    if [ -n "${MYSQL_DATABASE:-}" ]; then echo "CREATE DATABASE IF NOT EXISTS \`$MYSQL_DATABASE\`;"; fi
    if [ -n "${MYSQL_USER:-}" ]; then
      echo "CREATE USER $(quoted "$MYSQL_USER")@'%' IDENTIFIED BY $(quoted "${MYSQL_PASSWORD:-}");"
      if [ -n "${MYSQL_DATABASE:-}" ]; then echo "GRANT ALL ON \`${MYSQL_DATABASE//_/\\_}\`.* TO $(quoted "$MYSQL_USER")@'%';"; fi
    fi
    if [ "${MYSQL_ROOT_HOST:=%}" != localhost ]; then
      echo "CREATE USER 'root'@$(quoted "$MYSQL_ROOT_HOST") IDENTIFIED BY $(quoted "${MYSQL_ROOT_PASSWORD:-}");"
      echo "GRANT ALL ON *.* TO 'root'@$(quoted "$MYSQL_ROOT_HOST") WITH GRANT OPTION;"
    fi
    echo "ALTER USER 'root'@'localhost' IDENTIFIED BY $(quoted "${MYSQL_ROOT_PASSWORD:-}");"
    echo "SHUTDOWN;"
  } >/tmp/init.sql
  # A server without network: nobody can reach it before its users exist.
  mysqld --no-defaults --datadir="$fresh" --skip-networking --mysqlx=OFF --secure-file-priv=NULL --socket=/tmp/init.sock \
    --pid-file=/tmp/init.pid --init-file=/tmp/init.sql "$@"
  rm -f /tmp/init.sql
  # The folder "mysql" comes last: it is what says that the data is there.
  find "$fresh" -mindepth 1 -maxdepth 1 ! -name mysql -exec mv -t "$data" {} +
  mv "$fresh/mysql" "$data/"
  rmdir "$fresh"
}

case ${1:-mysqld} in
  -*) set -- mysqld "$@" ;;
esac
if [ "${1:-mysqld}" = mysqld ]; then
  shift || true
  [ -d "$data/mysql" ] || initialise "$@"
  unset MYSQL_ROOT_PASSWORD
  exec mysqld "$@"
fi
exec "$@"
