# shellcheck shell=bash
# What every part of the lab agrees on: names, addresses, folders. Sourced, never run.

lab_realm=CORP.EXAMPLE
lab_domain=corp.example
lab_netbios=CORP
lab_base=DC=corp,DC=example
# The most nodes a lab can have: their DNS records are in the cached database, whatever --nodes says.
lab_most_nodes=16
# Ours alone; no real directory has it. It satisfies the default complexity rules.
lab_password='Lab-Adm1nistrator-pw'
lab_python=/usr/bin/python3 # another python in PATH would hide python3-samba

# What those agree on who work on the other forest, whose one domain controller is dc3. It comes up
# when `lab-dc forest` is called, and knows nothing of the first one.
of_other_forest() {
    lab_realm=OTHER.EXAMPLE
    lab_domain=other.example
    lab_netbios=OTHER
    lab_base=DC=other,DC=example
}

domain_of() { (if [[ $1 == dc3 ]]; then of_other_forest; fi; echo "$lab_domain"); }

# Where the CA of a domain controller is.
ca_folder() { if [[ $1 == dc3 ]]; then echo "$LAB_DIR/dc3"; else echo "$LAB_DIR"; fi; }

say() { echo "lab: $*" >&2; }
die() { echo "lab: $*" >&2; exit 1; }

# Runs the rest with a progress line that tells how long it took; its output only if it fails.
timed() {
    local what=$1 began=${EPOCHREALTIME/./} log status
    shift
    log=$LAB_DIR/log/${what// /-}.log
    # Not `|| ...`: within that, bash would carry on after an error in a function.
    set +e
    (set -e; "$@") >"$log" 2>&1
    status=$?
    set -e
    [[ $status -eq 0 ]] || { say "$what ... FAILED"; tail -n 40 "$log" >&2; return 1; }
    local spent=$((${EPOCHREALTIME/./} - began))
    printf 'lab: %s ... %d.%d s\n' "$what" $((spent / 1000000)) $((spent / 100000 % 10)) >&2
}

# Polls a command every 50 ms: the events waited for (a port that answers, a process that ended,
# a change that arrived in the other directory) cannot be subscribed to.
await() {
    local seconds=$1 what=$2 began=$SECONDS
    shift 2
    until "$@" >/dev/null 2>&1; do
        ((SECONDS - began < seconds)) || die "waited $seconds s in vain for $what"
        sleep 0.05
    done
}

# node1 is 10.99.0.31, so up to 9 fit below the balancer and the rest follow the client.
address_of() {
    case $1 in
    dc1) echo 10.99.0.11 ;;
    dc2) echo 10.99.0.12 ;;
    dc3) echo 10.99.0.13 ;;
    controller) echo 10.99.0.20 ;;
    lb | web) echo 10.99.0.40 ;;
    client) echo 10.99.0.50 ;;
    node[1-9]) echo "10.99.0.$((30 + ${1#node}))" ;;
    node1[0-6]) echo "10.99.0.$((50 + ${1#node}))" ;;
    *) return 1 ;;
    esac
}

nodes_up_to() { local n; for ((n = 1; n <= $1; n++)); do echo "node$n"; done; }

# In the named host's network and under its host name.
on_host() { nsenter --net="$LAB_DIR/ns/net/$1" --uts="$LAB_DIR/ns/uts/$1" -- "${@:2}"; }

inside_lab() { [[ ${LAB:-} == 1 && -d ${LAB_DIR:-} ]] || die "only inside the lab: tests/lab/run $0 ..."; }

alive() { [[ -s $1 ]] && kill -0 "$(<"$1")" 2>/dev/null; }
# A process that ended but is not yet reaped still answers kill -0; its state says Z.
gone() { [[ ! -e /proc/$1 || $(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) =~ ^(Z|)$ ]]; }

# A simple line-per-host krb5.conf. $1 is the file, the rest the KDCs in order of preference.
# TCP only, so that a dead KDC is noticed by a reset, not after a second's silence; no DNS
# canonicalisation, so that a ticket is for the name that was typed, behind any balancer.
write_krb5_conf() {
    local file=$1 kdc
    shift
    {
        printf '[libdefaults]\n default_realm = %s\n' "$lab_realm"
        printf ' dns_lookup_kdc = false\n dns_lookup_realm = false\n rdns = false\n'
        printf ' dns_canonicalize_hostname = false\n udp_preference_limit = 1\n'
        printf '[realms]\n %s = {\n' "$lab_realm"
        for kdc in "$@"; do
            printf '  kdc = %s.%s\n  kpasswd_server = %s.%s\n' "$kdc" "$lab_domain" "$kdc" "$lab_domain"
        done
        printf ' }\n[domain_realm]\n .%s = %s\n %s = %s\n' \
            "$lab_domain" "$lab_realm" "$lab_domain" "$lab_realm"
    } >"$file"
}
