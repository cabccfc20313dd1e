# shellcheck shell=bash
# What the commands in tools/ share: messages, checks of the machine, packages, progress. To be sourced.

# A tree that another user unpacked is still a tree that root may list.
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'

say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

require_root() {
  [ "$(id -u)" -eq 0 ] || die "needs root: it installs packages and works with disks and namespaces. Run it as root."
}

require_debian_12() {
  local id='' version=''
  if [ -r /etc/os-release ]; then
    # shellcheck disable=SC1091  # the machine's own file
    id=$(. /etc/os-release && printf '%s' "${ID:-}")
    # shellcheck disable=SC1091
    version=$(. /etc/os-release && printf '%s' "${VERSION_ID:-}")
  fi
  [ "$id $version" = "debian 12" ] || die "needs Debian 12; this machine says it is '${id:-unknown} ${version}'."
}

# Seconds since a mark, as "1m05s".
took() {
  local s=$((SECONDS - $1))
  if [ "$s" -ge 60 ]; then printf '%dm%02ds' $((s / 60)) $((s % 60)); else printf '%ds' "$s"; fi
}

# with_progress WHAT LOG COMMAND...: runs COMMAND with its output in LOG. On a terminal one line counts the seconds
# and shows the last line of LOG; elsewhere a line every half minute shows that it is alive. On failure: the log's end.
with_progress() {
  local what=$1 log=$2 start=$SECONDS pid last rc=0 shown=0
  shift 2
  mkdir -p "$(dirname "$log")"
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    if [ -t 1 ]; then
      last=$(tail -n 1 "$log" 2>/dev/null | tr -d '\r' | cut -c 1-60)
      printf '\r\033[K%s … %s  %s' "$what" "$(took "$start")" "$last"
      sleep 0.5
    else
      sleep 0.2
      if [ $((SECONDS - start - shown)) -ge 30 ]; then
        shown=$((SECONDS - start))
        say "$what … $(took "$start")"
      fi
    fi
  done
  wait "$pid" || rc=$?
  [ -t 1 ] && printf '\r\033[K'
  if [ "$rc" -ne 0 ]; then
    say "$what: failed after $(took "$start"); from $log:"
    # Of ninja's the first failure with what the compiler said, of others the end.
    { grep -m 1 -A 25 '^FAILED:' "$log" || tail -n 25 "$log"; } | cut -c 1-400 | sed 's/^/  | /'
    return "$rc"
  fi
  say "$what: done in $(took "$start")"
}

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Whether apt has looked at the archive within a day. (A list's own time is the archive's, not that of the look.)
apt_lists_fresh() {
  [ -n "$(find /var/lib/apt/lists -maxdepth 1 -name '*Release' -print -quit 2>/dev/null)" ] &&
    [ -n "$(find /var/lib/apt/lists -maxdepth 1 -name partial -mtime -1 -print -quit 2>/dev/null)" ]
}

apt_get() { DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@"; }

# apt_install LOG PACKAGE...: installs those that are missing, and says which.
apt_install() {
  local log=$1 missing=() p
  shift
  for p in "$@"; do installed "$p" || missing+=("$p"); done
  [ "${#missing[@]}" -gt 0 ] || return 0
  require_root
  apt_lists_fresh || with_progress "package lists" "$log.update" apt_get update || die "apt-get update failed"
  with_progress "installing ${missing[*]}" "$log" apt_get install -y --no-install-recommends "${missing[@]}" && return 0
  say "trying once more with fresh package lists"
  with_progress "package lists" "$log.update" apt_get update || die "apt-get update failed"
  with_progress "installing ${missing[*]}" "$log" apt_get install -y --no-install-recommends "${missing[@]}" ||
    die "could not install: ${missing[*]}"
}

# apt_unpack DIR PACKAGE...: the files of Debian's packages in DIR, not installed: nothing of theirs runs or is enabled here.
apt_unpack() {
  local dir=$1 p
  shift
  for p in "$@"; do
    [ ! -e "$dir/.unpacked/$p" ] || continue
    rm -rf "$dir/.debs" && mkdir -p "$dir/.debs" "$dir/.unpacked" || return 1
    apt_lists_fresh || apt_get update || return 1
    (cd "$dir/.debs" && apt_get -o APT::Sandbox::User=root download "$p") || return 1
    dpkg-deb -x "$dir/.debs/$p"_*.deb "$dir" && touch "$dir/.unpacked/$p" && rm -rf "$dir/.debs" || return 1
  done
}

# npm_unpack DIR FROM: the packages of FROM's lock file, with the digests that it has, in DIR/node_modules. None of their
# own scripts is run.
npm_unpack() {
  local dir=$1 from=$2
  ! cmp -s "$from/package-lock.json" "$dir/unpacked" || return 0
  rm -rf "$dir" && mkdir -p "$dir" && cp "$from/package.json" "$from/package-lock.json" "$dir" || return 1
  (cd "$dir" && timeout 180 npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1) || { rm -rf "$dir" && return 1; }
  cp "$dir/package-lock.json" "$dir/unpacked"
}

# apt_source DIR PACKAGE...: unpacks Debian's own source of each into DIR, patches applied. The entries for sources
# are made from what this machine already uses for packages, in a private place: its own settings stay as they are.
apt_source() {
  local dir=$1 private options
  shift
  mkdir -p "$dir"
  private=$(cd "$dir" && pwd)/apt
  mkdir -p "$private/lists/partial" "$private/cache/archives/partial"
  list_archives() {
    apt-get indextargets --format "deb-src \$(REPO_URI) \$(RELEASE) \$(COMPONENT)" \
      'Created-By: Packages' 'Origin: Debian' 'Component: main' | sort -u
  }
  list_archives >"$private/sources.list"
  if [ ! -s "$private/sources.list" ]; then
    apt_get update
    list_archives >"$private/sources.list"
  fi
  [ -s "$private/sources.list" ] || die "apt knows no Debian archive on this machine: run apt-get update and look at its sources."
  options=(-o "Dir::Etc::sourcelist=$private/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$private/lists" -o "Dir::Cache=$private/cache" -o APT::Sandbox::User=root)
  apt_get "${options[@]}" update
  (cd "$dir" && apt_get "${options[@]}" source "$@")
}

# --- Building. One directory per way of building; each can be used with meson and ninja by hand as well.

# shellcheck disable=SC2034  # used by the commands that source this
packages_build=(g++ meson ninja-build pkg-config libssl-dev zlib1g-dev libzstd-dev nlohmann-json3-dev libcli11-dev libfmt-dev libexpected-dev)
# shellcheck disable=SC2034
packages_static=(dpkg-dev libjson-c-dev)
packages_dynamic=(libfdisk-dev libblkid-dev libmount-dev libcurl4-openssl-dev libcryptsetup-dev libdevmapper-dev)

build_options() {
  case $1 in
    static) echo -Dstatic=true -Doptimization=s -Ddebug=false ;;
    dynamic) echo -Doptimization=2 -Ddebug=false ;;
    # Lines are all that a sanitizer's report needs; full debug information would cost half the time again.
    asan) echo -Doptimization=1 -Ddebug=false -Dcpp_args=-gline-tables-only -Db_sanitize=address,undefined ;;
    # Without the precompiled headers a file has only what it includes itself: this one shows that it compiles.
    coverage) echo -Doptimization=0 -Ddebug=false -Db_coverage=true -Db_pch=false ;;
    # Never compiled: what clang-tidy reads of it is how each file would be.
    tidy) echo -Doptimization=1 -Ddebug=false -Db_sanitize=address,undefined -Dfuzz=true -Db_pch=false ;;
    *) die "no such build: $1" ;;
  esac
}

# configure_build NAME [OPTION...]: makes build-NAME, or sets the options of one that is there.
configure_build() {
  local name=$1 dir=build-$1 options compilers=()
  shift
  mkdir -p "$dir"
  if [ -f "$dir/build.ninja" ]; then
    [ $# -eq 0 ] || meson configure "$dir" "$@" >"$dir/configure.log" 2>&1 ||
      { cat "$dir/configure.log" >&2 && die "meson configure failed for $dir"; }
    # A changed meson.build counts at once, also for what only reads compile_commands.json.
    ninja -C "$dir" build.ninja >"$dir/configure.log" 2>&1 ||
      { tail -n 20 "$dir/configure.log" >&2 && die "meson could not configure $dir again"; }
    return 0
  fi
  case $name in asan | tidy) compilers=(CC=clang CXX=clang++) ;; esac
  read -ra options < <(build_options "$name")
  with_progress "configuring $dir" "$dir/configure.log" env "${compilers[@]}" meson setup "$dir" "${options[@]}" "$@" ||
    die "meson could not configure $dir"
}

# compile NAME [TARGET...]
compile() {
  local name=$1
  shift
  with_progress "compiling build-$name" "build-$name/compile.log" nice ninja -C "build-$name" "$@" ||
    die "build-$name did not compile"
}

# The program where ninja leaves it, with its symbols.
built_program() { find "build-$1/src" -type f -name provision -perm -u+x -print -quit; }

# install_program NAME: build-NAME/provision is the stripped program, with the manifest of its sources beside it.
install_program() {
  local name=$1 dir=build-$1 built
  compile "$name" "$(ninja -C "$dir" -t targets all | sed -n 's/^\(src\/\(.*\/\)\{0,1\}provision\): .*/\1/p' | head -n 1)"
  built=$(built_program "$name")
  [ -n "$built" ] || die "ninja made no provision in $dir"
  if [ "$built" -nt "$dir/provision" ]; then
    strip -o "$dir/provision.new" "$built"
    mv "$dir/provision.new" "$dir/provision"
  fi
  write_manifest "$name" >"$dir/provision.sources"
}

# write_manifest NAME: what the program was made of: for whoever passes it on, see NOTICE.
write_manifest() {
  say "# Debian 12 source packages of what build-$1/provision is made of; our own source is commit" \
    "$(git rev-parse --verify -q HEAD 2>/dev/null || echo unknown)"
  local p
  if [ "$1" = static ]; then
    for p in cryptsetup curl lvm2 util-linux; do say "$p $(cat "tools/static/$p/.complete") linked in"; done
    for p in libssl-dev libjson-c-dev zlib1g-dev libzstd-dev libc6-dev libstdc++-12-dev; do
      dpkg-query -W -f "\${source:Package} \${source:Version} linked in\n" "$p"
    done
  else
    for p in libssl-dev zlib1g-dev libzstd-dev libc6-dev libstdc++-12-dev "${packages_dynamic[@]}"; do
      dpkg-query -W -f "\${source:Package} \${source:Version} shared library of the system\n" "$p"
    done | sort -u
  fi
  for p in nlohmann-json3-dev libcli11-dev libfmt-dev libexpected-dev; do
    dpkg-query -W -f "\${source:Package} \${source:Version} headers\n" "$p"
  done
}
