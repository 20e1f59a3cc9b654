#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# In the Linux guest: what the control loop publishes in the memory of the channel `telemetry`.
#
# Usage: telemetry          print it
#        telemetry ring     ring the control loop's doorbell
#
# The device tree says where the channel is; /dev/mem reaches it from user space.
set -eu

for node in /proc/device-tree/soc/channel@*; do
    [ "$(tr -d '\0' <"$node/label")" = telemetry ] && break
done

address() { # of a property: its first 64 bits, big-endian
    echo "0x$(hexdump -v -n 8 -e '1/1 "%02x"' "$1")"
}

word() { # of the shared memory, by its offset
    echo $(($(devmem $((memory + $1)) 32)))
}

case ${1-} in
'')
    memory=$(address "$node/reg")
    while :; do
        before=$(word 0)
        period=$(word 4) ticks=$(word 8) latest=$(word 12) doorbells=$(word 16)
        [ $((before % 2)) = 0 ] && [ "$(word 0)" = "$before" ] && break
    done
    echo "control: $ticks ticks of $period us, the latest by $latest us; $doorbells doorbells"
    ;;
ring)
    devmem "$(address "$node/bulkhead,doorbell")" 32 1
    ;;
*)
    sed -n 's/^# Usage: /usage: /p' "$0" >&2
    exit 2
    ;;
esac
