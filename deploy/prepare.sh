# What deploy/demo and tests/run need first: root, Debian packages and a build. Sourced; expects $root.

if [ "$(id -u)" != 0 ]; then
    echo "This makes network namespaces and opens AF_XDP sockets: run it as root (sudo $0)." >&2
    exit 1
fi

# install_packages [LIST]
install_packages() {
    local wanted missing=()
    for wanted in $(sed 's/#.*//' "${1:-$root/deploy/packages}"); do
        dpkg-query -W -f '${db:Status-Status}' "$wanted" 2>/dev/null | grep -qx installed || missing+=("$wanted")
    done
    [ ${#missing[@]} = 0 ] && return
    echo "Installing ${#missing[@]} packages: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update
    apt-get -qq install --yes --no-install-recommends "${missing[@]}"
    # Tests start servers of their own: the packages shall not leave any running.
    local service
    for service in etcd-server:etcd haproxy:haproxy nginx-light:nginx; do
        [[ " ${missing[*]} " = *" ${service%:*} "* ]] || continue
        systemctl --quiet disable --now "${service#*:}" 2>/dev/null || true
    done
}

# install_without_services LIST: the same, and none of the packages' services is started.
install_without_services() {
    local policy=/usr/sbin/policy-rc.d ours=
    [ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy" && ours=yes; }
    install_packages "$1" || { rm -f ${ours:+"$policy"}; return 1; }
    rm -f ${ours:+"$policy"}
}

# build DIRECTORY [MESON-OPTION…]: configures once, then builds what changed.
build() {
    local directory=$1
    shift
    [ -f "$directory/build.ninja" ] || meson setup "$directory" "$root" "$@"
    ninja -C "$directory"
}
