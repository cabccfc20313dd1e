"""The program under the names of Ignition's programs: statuses and effects as theirs, where Debian's are here to compare."""

import json
import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

PEER = Path("/usr/lib/dracut/modules.d/30ignition/ignition")  # package ignition
PEER_VALIDATE = Path("/usr/bin/ignition-validate")

GOOD = '{"ignition": {"version": "3.3.0"}}'
SHOP = json.dumps({
    "ignition": {"version": "3.3.0"},
    "storage": {
        "directories": [{"path": "/srv/shop", "mode": 0o750}],
        "files": [{"path": "/srv/shop/a", "mode": 0o640, "contents": {"source": "data:,one"}},
                  {"path": "/etc/b", "contents": {"source": "data:,two"}}],
        "links": [{"path": "/etc/c", "target": "b"}]},
    "systemd": {"units": [
        {"name": "a.service", "enabled": True, "contents": "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=x.target\n"},
        {"name": "b.service", "mask": True},
        {"name": "c.service", "dropins": [{"name": "d.conf", "contents": "[Service]\nNice=1\n"}]}]}})
FAR = '{"ignition": {"version": "3.3.0", "timeouts": {"httpTotal": 1}}, "storage": {"files": [{"path": "/a", "contents": {"source": "http://127.0.0.1:1/"}}]}}'
FAR_CONFIG = '{"ignition": {"version": "3.3.0", "config": {"merge": [{"source": "http://127.0.0.1:1/"}]}}}'
DISKS = '{"ignition": {"version": "3.3.0"}, "storage": {"filesystems": [{"device": "/dev/null", "format": "ext4"}]}}'

# Name, arguments, standard input, status.
STATUSES = [
    ("ignition", ["-version"], "", 0),
    ("ignition", ["--version"], "", 0),
    ("ignition", ["-help"], "", 0),
    ("ignition", [], "", 2),
    ("ignition", ["-platform", "metal"], "", 2),
    ("ignition", ["--platform=", "--stage=files"], "", 2),
    ("ignition", ["--stage=files"], "", 2),
    ("ignition", ["-platform", "metal", "-stage", "nonsense"], "", 2),
    ("ignition", ["-platform", "nonsense", "-stage", "files"], "", 2),
    ("ignition", ["-platform=metal", "-stage=files", "-nonsense"], "", 2),
    ("ignition", ["-platform=metal", "-fetch-timeout", "2", "-version"], "", 2),
    ("ignition", ["-platform=metal", "-fetch-timeout", "1m30s", "-version=true"], "", 0),
    ("ignition", ["-platform=metal", "-stage"], "", 2),
    ("ignition", ["-log-to-stdout=maybe", "-version"], "", 2),
    # An empty word ends the flags: what comes after it is not looked at.
    ("ignition", ["-version", "", "-nonsense"], "", 0),
    ("ignition-rmcfg", [], "", 2),
    ("ignition-rmcfg", ["--platform=metal"], "", 1),
    ("ignition-rmcfg", ["--platform=nonsense"], "", 2),
    ("ignition-rmcfg", ["-nonsense"], "", 2),
    ("ignition-validate", ["-version"], "", 0),
    ("ignition-validate", [], "", 1),
    ("ignition-validate", ["-nonsense"], "", 2),
    ("ignition-validate", ["/none/such"], "", 1),
    ("ignition-validate", ["-", "-"], "", 1),
    ("ignition-validate", ["-"], "", 1),
    ("ignition-validate", ["-"], GOOD, 0),
    ("ignition-validate", ["-"], '{"ignition": {"version": "3.3.0"}, "unknown": 1}', 0),
    ("ignition-validate", ["-"], '{"ignition": {"version": "9.0.0"}}', 1),
    ("ignition-validate", ["-"], "{", 1),
    ("ignition-apply", ["--version"], "", 0),
    ("ignition-apply", [], "", 1),
    ("ignition-apply", ["--root", "ROOT", "-"], "{", 1),
    ("ignition-apply", ["--root", "ROOT", "-"], GOOD, 0),
    ("ignition-apply", ["-", "--root=ROOT"], SHOP, 0),
    ("ignition-apply", ["--root", "ROOT", "-"], DISKS, 1),
    ("ignition-apply", ["--root", "ROOT", "--ignore-unsupported", "-"], DISKS, 0),
    ("ignition-apply", ["--root", "ROOT", "--offline", "-"], FAR, 1),
    ("ignition-apply", ["--root", "ROOT", "--offline", "-"], FAR_CONFIG, 1),
    ("ignition-apply", ["--root", "ROOT", "/none/such"], "", 1),
]


def link(folder, name, program):
    path = folder / name
    path.symlink_to(program)
    return path


def call(program, arguments, text, root):
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    done = subprocess.run([program, *(a.replace("ROOT", str(root)) for a in arguments)], input=text.encode(),
                          capture_output=True, timeout=60, env={**os.environ, "container": "podman"})
    return done.returncode, done.stdout.decode() + done.stderr.decode()


def tree(root):
    """Everything below, with what it is."""
    found = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        what = os.readlink(path) if path.is_symlink() else path.read_text() if path.is_file() else ""
        found[str(path.relative_to(root))] = (stat.filemode(status.st_mode), what)
    return found


def statuses(outcome, ours, peers, folder):
    for name, arguments, text, wanted in STATUSES:
        words = f"{name} {' '.join(arguments)}" + (f" <<< {text[:40]}" if text else "")
        status, told = call(ours[name], arguments, text, folder / "root")
        outcome.check(f"{words}: {wanted}", status == wanted, f"{status}: {told}")
        if name in peers:
            theirs, _ = call(peers[name], arguments, text, folder / "root")
            outcome.check(f"{words}: as Debian's", theirs == status, f"{status}, theirs {theirs}")


def applies(outcome, ours, peers, folder):
    root = folder / "root"
    before = {path.name for path in Path("/tmp").glob("ignition-apply-*")}
    call(ours["ignition-apply"], ["--root", "ROOT", "-"], SHOP, root)
    made = tree(root)
    outcome.check("ignition-apply: the files", made.get("etc/b", ("", ""))[1] == "two"
                  and made.get("srv/shop/a") == ("-rw-r-----", "one") and "etc/.ignition-result.json" not in made, str(made))
    left = {path.name for path in Path("/tmp").glob("ignition-apply-*")} - before
    outcome.check("ignition-apply: nothing of its own is left", not left, str(left))
    if "ignition-apply" in peers:
        call(peers["ignition-apply"], ["--root", "ROOT", "-"], SHOP, root)
        outcome.check("ignition-apply: as Debian's", tree(root) == made, f"{made}\n{tree(root)}")
    _, told = call(ours["ignition-apply"], ["--root", "ROOT", "--offline", "-"], FAR, root)
    outcome.check("ignition-apply --offline: at the user's line", "standard input:1:" in told and "--offline" in told
                  and not tree(root), told)
    _, told = call(ours["ignition-apply"], ["--root", "ROOT", "--ignore-unsupported", "-"], DISKS, root)
    outcome.check("ignition-apply --ignore-unsupported tells what it leaves out", '"filesystems"' in told, told)


def outside(outcome, program, folder):
    """A root without the signs of a container, with nothing but the program, which needs no library."""
    place = folder / "outside"
    place.mkdir()
    shutil.copy(program, place / "ignition-apply")
    (place / "config").write_text(SHOP)
    environment = {key: value for key, value in os.environ.items() if key != "container"}
    done = subprocess.run(["chroot", str(place), "/ignition-apply", "/config"], capture_output=True, text=True, env=environment)
    outcome.check("ignition-apply outside a container", done.returncode == 1 and "no container" in done.stderr
                  and sorted(p.name for p in place.iterdir()) == ["config", "ignition-apply"], done.stderr)


STAGES = """
set -eu
mount -t tmpfs none /run
mkdir /run/ignition
printf %s "$CONFIG" >/run/ignition/user.ign
I=$1 R=$2
run() { stage=$1; shift; "$I" --root="$R" -platform metal --stage=$stage -neednet=/run/n/need -config-cache /run/c/cache "$@"; }
run fetch-offline "" -nonsense >/run/said
[ ! -e /run/n/need ] || echo need
[ ! -e /run/c/cache ] || { stat -c 'cache %a' /run/c/cache; cat /run/c/cache; }
[ -e /run/c/cache ] || exit 0
run kargs -log-to-stdout
for stage in disks mount files umount; do run $stage -log-to-stdout=true; done >>/run/said
grep -c '^provision files: ' /run/said
"""


def in_stages(program, config, root):
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    return subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", STAGES, "sh", program, str(root)],
                          capture_output=True, text=True, timeout=120, env={**os.environ, "CONFIG": config})


def stages(outcome, program, folder):
    root = folder / "machine"
    done = in_stages(program, SHOP, root)
    lines = done.stdout.splitlines()
    outcome.check("ignition: all stages, one after another", done.returncode == 0, done.stdout + done.stderr)
    outcome.check("ignition: the config cache is root's alone", "cache 600" in lines, done.stdout)
    cache = json.loads(next((line for line in lines if line.startswith("{")), "{}"))
    outcome.check("ignition: the config cache is the config", cache.get("ignition", {}).get("version", "").startswith("3.7.0")
                  and [file["path"] for file in cache.get("storage", {}).get("files", [])] == ["/srv/shop/a", "/etc/b"], str(cache))
    made = tree(root)
    outcome.check("ignition: the files are there, and who looks later is told", made.get("etc/b", ("", ""))[1] == "two"
                  and "etc/.ignition-result.json" in made and "var/lib/provision/report.json" in made, str(list(made)))
    done = in_stages(program, FAR_CONFIG, root)
    outcome.check("ignition: without the network there is no cache, and a sign for who brings it up",
                  done.returncode == 0 and done.stdout.splitlines() == ["need"], done.stdout + done.stderr)
    done = in_stages(program, FAR, root)
    outcome.check("ignition: with the config, and something far in it, both", "need" in done.stdout and "cache 600" in done.stdout,
                  done.stdout + done.stderr)
    outcome.check("ignition: a stage that fails is status 1", done.returncode == 1, str(done.returncode))


def judge(outcome, program):
    names = ("ignition", "ignition-apply", "ignition-rmcfg", "ignition-validate")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for place in ("ours", "peers"):
            (folder / place).mkdir()
        ours = {name: link(folder / "ours", name, Path(program).resolve()) for name in names}
        peers = {name: link(folder / "peers", name, PEER) for name in names[:3]} if PEER.exists() else {}
        if PEER_VALIDATE.exists():
            peers["ignition-validate"] = PEER_VALIDATE
        if len(peers) < len(names):
            outcome.skipped("other names: as Debian's", "Ignition's programs (package ignition)")
        statuses(outcome, ours, peers, folder)
        applies(outcome, ours, peers, folder)
        outside(outcome, program, folder)
        stages(outcome, ours["ignition"], folder)
