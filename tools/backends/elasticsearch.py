"""Obtains Elasticsearch from Maven and prepares a folder in which it runs."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

from .places import BackendError, cache, demand_sha256, say

VERSION = "8.19.21"
ARTIFACT = f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{VERSION}:zip"
SHA256 = "215d5f3dbf0609a149f6218a9e47b6ae2df34ebbff3c5754e35f15a5e5393c8a"
MAVEN_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
NEEDED_JAVA = 17
ATTEMPTS = 3
HEAP = "512m"
UNPRIVILEGED = "nobody"

SETTINGS = """\
cluster.name: otel-trading
node.name: one
discovery.type: single-node
network.host: 127.0.0.1
http.port: {http}
transport.port: {transport}
path.data: {run}/data
path.logs: {run}/logs
xpack.security.enabled: false
node.store.allow_mmap: false
cluster.routing.allocation.disk.threshold_enabled: false
"""


def distribution() -> Path:
    """Returns where the unpacked distribution is, or will be."""
    return cache() / f"elasticsearch-{VERSION}-{SHA256[:16]}"


def obtain() -> Path:
    """Downloads and unpacks Elasticsearch unless it is there.

    Raises:
        BackendError: Maven or a JDK is missing, the download fails or is not what was pinned.
    """
    target = distribution()
    java_home()
    if target.exists():
        say("elasticsearch: ready")
        return target
    if shutil.which("mvn") is None:
        raise BackendError("mvn is not installed. Install Maven 3 (Debian: apt-get install maven).")
    unfinished = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    try:
        say("elasticsearch: downloading 107 MB")
        archive = _download(unfinished)
        demand_sha256(archive, ARTIFACT, SHA256)
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(unfinished)
        unpacked = unfinished / f"elasticsearch-{VERSION}"
        for program in (unpacked / "bin").iterdir():
            program.chmod(0o755)
        unpacked.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    say("elasticsearch: ready")
    return target


def _download(folder: Path) -> Path:
    command = ["mvn", "-B", "-q", MAVEN_PLUGIN, f"-Dartifact={ARTIFACT}", f"-DoutputDirectory={folder}"]
    for _ in range(ATTEMPTS):
        folder.mkdir(exist_ok=True)
        # Maven looks for a pom.xml where it is started
        if subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL).returncode == 0:
            return folder / f"elasticsearch-{VERSION}.zip"
    raise BackendError(f"Maven could not fetch {ARTIFACT}. Look at its message above and at ~/.m2/settings.xml.")


def java_home() -> Path:
    """Returns a JDK that is new enough: ES_JAVA_HOME, JAVA_HOME, the one on PATH, then those under /usr/lib/jvm.

    Raises:
        BackendError: there is none.
    """
    named = [Path(os.environ[name]) for name in ("ES_JAVA_HOME", "JAVA_HOME") if os.environ.get(name)]
    on_path = shutil.which("java")
    found = [Path(on_path).resolve().parents[1]] if on_path else []
    for home in [*named, *found, *sorted(Path("/usr/lib/jvm").glob("*"))]:
        if _java_version(home / "bin" / "java") >= NEEDED_JAVA:
            return home
    raise BackendError("Java 17 or newer is not installed. Install a JDK (Debian: apt-get install openjdk-17-jdk).")


def _java_version(java: Path) -> int:
    if not java.exists():
        return 0
    shown = subprocess.run([str(java), "-version"], capture_output=True, text=True).stderr
    found = re.search(r'version "(\d+)', shown)
    return int(found[1]) if found else 0


def prepare(run: Path, http: int, transport: int) -> None:
    """Makes configuration, data and, for root, a tree of links to the distribution that another user can read.

    Raises:
        BackendError: root's stack lies where the unprivileged user cannot go.
    """
    for name in ("data", "logs", "tmp"):
        (run / name).mkdir(parents=True)
    source = distribution()
    shutil.copytree(source / "config", run / "config")
    (run / "config" / "elasticsearch.yml").write_text(SETTINGS.format(run=run, http=http, transport=transport))
    (run / "config" / "jvm.options.d").mkdir(exist_ok=True)
    # compiled quickly rather than well: a stack of tests is started often and works little
    options = f"-Xms{HEAP}\n-Xmx{HEAP}\n-XX:TieredStopAtLevel=1\n"
    (run / "config" / "jvm.options.d" / "small.options").write_text(options)
    if os.getuid() == 0:
        _check_reachable(run)
        # the cache may lie in root's home, where nobody else can read
        shutil.copytree(source, run / "home", copy_function=_link_or_copy)
        subprocess.run(["chmod", "-R", "a+rX", str(run / "home")], check=True)
        for name in ("data", "logs", "tmp", "config"):
            subprocess.run(["chown", "-R", UNPRIVILEGED, str(run / name)], check=True)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _check_reachable(run: Path) -> None:
    for folder in run.parents:
        if not folder.stat().st_mode & 0o001:
            raise BackendError(
                f"Elasticsearch does not run as root, and {folder} is closed to the user {UNPRIVILEGED}. "
                "Choose another --dir, such as one under /var/tmp."
            )


def command(run: Path) -> list[str]:
    """Returns the command line; as root it steps down to an unprivileged user, because Elasticsearch refuses root."""
    if os.getuid() != 0:
        return [str(distribution() / "bin" / "elasticsearch")]
    group = pwd.getpwnam(UNPRIVILEGED).pw_gid
    step_down = ["setpriv", f"--reuid={UNPRIVILEGED}", f"--regid={group}", "--clear-groups", "--no-new-privs"]
    if shutil.which("setpriv") is None:
        raise BackendError(
            "setpriv is not installed. Install util-linux, or start the stack as another user than root."
        )
    return [*step_down, str(run / "home" / "bin" / "elasticsearch")]


def environment(run: Path) -> dict[str, str]:
    """Returns the variables that Elasticsearch is started with."""
    return {
        "ES_JAVA_HOME": str(java_home()),
        "ES_PATH_CONF": str(run / "config"),
        "ES_TMPDIR": str(run / "tmp"),
        # where Java libraries unpack native code; nothing of it may stay behind
        "HOME": str(run),
        "XDG_CACHE_HOME": str(run / "tmp"),
    }
