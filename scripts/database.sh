# shellcheck shell=bash
# For scripts/backup and scripts/restore: tells PostgreSQL's programs where the database is, by variables. In
# a command line everybody on the machine could read the password.

decoded() {
    local text="${1//+/%2B}"
    printf '%b' "${text//%/\\x}"
}

set_connection() { # postgres://user:password@host:port/name?options, or file:PATH of a file that holds it
    local url="$1" rest authority credentials="" address options=""
    case "$url" in
        file:*) url="$(cat "${url#file:}")" ;;
    esac
    case "$url" in
        postgres://* | postgresql://*) rest="${url#*://}" ;;
        *)
            echo "DATABASE_URL does not begin with postgres://" >&2
            return 1
            ;;
    esac
    case "$rest" in
        *\?*) options="${rest#*\?}" rest="${rest%%\?*}" ;;
    esac
    authority="${rest%%/*}"
    PGDATABASE="$(decoded "${rest#*/}")"
    case "$authority" in
        *@*) credentials="${authority%@*}" ;;
    esac
    address="${authority##*@}"
    PGHOST="${address%%:*}" PGPORT=5432
    case "$address" in
        *:*) PGPORT="${address##*:}" ;;
    esac
    PGUSER="$(decoded "${credentials%%:*}")"
    export PGDATABASE PGHOST PGPORT PGUSER
    case "$credentials" in
        *:*)
            PGPASSWORD="$(decoded "${credentials#*:}")"
            export PGPASSWORD
            ;;
    esac
    # The gateway's own option for a schema that is not `public`.
    case "&$options" in
        *"&schema="*)
            echo "DATABASE_URL has a schema: back the database up with pg_dump by hand" >&2
            return 1
            ;;
    esac
}
