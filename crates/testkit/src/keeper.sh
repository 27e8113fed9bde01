# Runs the tests' PostgreSQL and stops it once no test process has used it for a minute.
# Arguments: the folder, the folder of PostgreSQL's programs, the port, the user when root.
set -u
base=$1 bin=$2 port=$3 user=$4
as() {
  if [ -n "$user" ]; then
    exec setpriv --reuid="$user" --regid="$user" --clear-groups -- "$@"
  fi
  exec "$@"
}
exec 8>"$base/keeper"
flock -n 8 || exit 1
cd / || exit 1
mkdir -p "$base/data"
[ -z "$user" ] || chown "$user" "$base/data"
(as "$bin/initdb" -D "$base/data" -U kapok --auth=trust --encoding=UTF8 --locale=C --no-sync) \
  >"$base/initdb.log" 2>&1 8>&- || exit 1
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
  -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 \
  -addext basicConstraints=critical,CA:FALSE \
  -keyout "$base/data/server.key" -out "$base/data/server.crt" 2>>"$base/initdb.log" || exit 1
chmod 600 "$base/data/server.key"
[ -z "$user" ] || chown "$user" "$base/data/server.key" "$base/data/server.crt"
cp "$base/data/server.crt" "$base/server.crt"
(as "$bin/postgres" -D "$base/data" -c port="$port" -c listen_addresses=127.0.0.1 \
  -c unix_socket_directories= -c max_connections=400 -c fsync=on -c autovacuum=off \
  -c shared_buffers=64MB -c ssl=on) >"$base/postgres.log" 2>&1 8>&- &
server=$!
idle=0
while kill -0 "$server" 2>/dev/null; do
  sleep 5
  if flock -n -x "$base/inuse" true; then idle=$((idle + 5)); else idle=0; fi
  if [ "$idle" -ge 60 ]; then
    exec 9>"$base/lock"
    flock 9
    if flock -n -x "$base/inuse" true; then break; fi
    exec 9>&-
    idle=0
  fi
done
rm -f "$base/port"
kill -INT "$server" 2>/dev/null
wait "$server"
rm -rf "$base/data"
