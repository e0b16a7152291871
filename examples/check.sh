#!/bin/sh
# Plays a whole check against `make run`: your server, the device and the frontend, by turns.
#
#   examples/check.sh [OUTCOME] [IMAGE]
#
# OUTCOME is what the device plays: realface (unless told), spoofface, uncertain, canceled or
# error:<Code>. With an IMAGE (JPEG, PNG, GIF or BMP of 1 KB to 6 MB) the face is compared with it.
# BASE_URL and FUNCTION_KEY say where the app is and what opens it. With SERVER_AUTH=entra an access
# token does: ACCESS_TOKEN, or what the stand-in for managed identity issues. Needs curl.
set -eu

outcome=${1:-realface}
image=${2:-}
url=${BASE_URL:-http://127.0.0.1:7071}
url=${url%/}
port=${url##*:}
key=${FUNCTION_KEY:-local-function-key}

# Whatever is wrong is named before there is a session.
refuse() {
    echo "check.sh: $1" >&2
    exit 2
}
case $outcome in
realface | spoofface | uncertain | canceled | error:?*) ;;
*) refuse "OUTCOME must be one of realface, spoofface, uncertain, canceled, error:<Code>" ;;
esac
[ -z "$image" ] || [ -r "$image" ] || refuse "IMAGE cannot be read: $image"
case $port in
*[!0-9]* | '') refuse "BASE_URL must end with a port, as in http://127.0.0.1:7071, since the device's is the next one" ;;
esac

# The stand-in for Face, which plays the device too, listens on the next port.
face=${url%:*}:$((port + 1))
json='Content-Type: application/json'

# Call for somebody: say so on stderr, and give the answer's body; an error is shown, and the end.
call() {
    echo "$1: $2 $3" >&2
    shift
    body=$(curl --silent --show-error --fail-with-body --request "$@") || {
        [ $? -ne 7 ] || body="check.sh: nobody is there: is 'make run' ready, and is this its port?"
        echo "$body" >&2
        exit 1
    }
    echo "$body"
}

# Take the text of one field out of a JSON object.
field() {
    echo "$2" | sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p"
}

# Your server comes with its key, or with its identity; on a server azure-identity does this.
opens="x-functions-key: $key"
if [ "${SERVER_AUTH:-key}" = entra ]; then
    token=${ACCESS_TOKEN:-}
    if [ -z "$token" ]; then
        issued=$(call server GET "${url%:*}:$((port + 3))/msi/token" --get \
            -H 'X-IDENTITY-HEADER: local-identity-header' --data api-version=2019-08-01 \
            --data-urlencode "resource=${ENTRA_AUDIENCE:-api://face-liveness}")
        token=$(field access_token "$issued")
    fi
    opens="Authorization: Bearer $token"
fi

# Your server starts the check of a device, here of another one each time.
device=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
if [ -n "$image" ]; then
    started=$(call server POST "$url/api/sessions" -H "$opens" \
        --form "deviceCorrelationId=$device" --form "verifyImage=@\"$image\"")
else
    started=$(call server POST "$url/api/sessions" -H "$opens" \
        -H "$json" --data "{\"deviceCorrelationId\": \"$device\"}")
fi
session=$url/api/sessions/$(field sessionId "$started")
token="X-Session-Token: $(field sessionToken "$started")"

# The frontend hands authToken to the Face SDK, which shows the camera and talks to Face itself.
played=$(call device POST "$face/simulator/attempts" \
    -H "Authorization: Bearer $(field authToken "$started")" \
    -H "$json" --data "{\"outcome\": \"$outcome\"}")

# The frontend passes on what the SDK said, a digest or an error, and learns a status.
case $played in
*livenessError*) report="{\"error\": $played}" ;;
*) report=$played ;;
esac
answer=$(call frontend POST "$session/complete" -H "$token" -H "$json" --data "$report")
while [ "$(field status "$answer")" = processing ]; do
    sleep 1
    answer=$(call frontend GET "$session" -H "$token")
done
echo "frontend: sees $(field status "$answer")" >&2

# After an error the person may try again with the same tokens; here nobody does.
if [ "$(field status "$answer")" = started ]; then
    call frontend DELETE "$session" -H "$token" >/dev/null
fi

# Your server reads the verdict.
result=$(call server GET "$session/result" -H "$opens")
echo "$result"
outcome=$(field outcome "$result")
echo "server: reads ${outcome:-no outcome}" >&2
