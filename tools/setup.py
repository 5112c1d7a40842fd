"""Install everything Ballast needs inside the repository folder; do nothing when it is there already.

`setup.py slither halmos` installs those tools besides, each in an environment of its own: they want other versions of
what Ape wants.

Runs on the system's Python with the standard library alone. Each step leaves a stamp holding a hash of what it
was made from, so a second run returns at once, and a changed lock file repeats just its own step.
"""

import functools
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
TOOLS = os.path.join(ROOT, ".tools")
STAMPS = os.path.join(TOOLS, "stamps")
MIN_PYTHON = (3, 11)
MIN_NODE = 20
MIN_DISK_BYTES = 2 * 1024**3
ANVIL = "1.7.1"
# Solidity compilers: version -> the npm package that carries it
COMPILERS = {"0.8.34": "solc", "0.8.19": "solc-0.8.19"}
# Tools with an environment of their own, `.tools/<name>`, out of `tools/<name>.lock`
TOOLBOXES = ("slither", "halmos")


class SetupError(Exception):
    """What is wrong and how to mend it, in one line."""


def main():
    if sys.version_info < MIN_PYTHON:
        raise SetupError(
            "python %s is too old: install python 3.11 or newer, or name one with `make PYTHON=python3.12 ...`"
            % platform.python_version()
        )
    check_node()
    os.makedirs(STAMPS, exist_ok=True)
    step("python packages", ["requirements.lock"], install_python, extra=sys.executable + sys.version)
    step("node packages", ["package.json", "package-lock.json"], install_node)
    check_anvil()
    step("compilers", ["package-lock.json", "tools/solc.js", "tools/setup.py"], install_compilers)
    for name in sys.argv[1:]:
        if name not in TOOLBOXES:
            raise SetupError("%s is no tool: say %s" % (name, " or ".join(TOOLBOXES)))
        step(
            name,
            ["tools/%s.lock" % name],
            functools.partial(install_environment, os.path.join(TOOLS, name), "tools/%s.lock" % name),
            extra=sys.executable + sys.version,
        )


def check_node():
    for command, package in (("node", "node 20 or newer"), ("npm", "npm"), ("git", "git")):
        if not shutil.which(command):
            raise SetupError("%s is not on the PATH: install %s" % (command, package))
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout.strip()
    found = re.match(r"v(\d+)\.", version)
    if not found or int(found.group(1)) < MIN_NODE:
        raise SetupError("node %s is too old: install node %d or newer" % (version or "?", MIN_NODE))


def step(name, sources, action, extra=""):
    digest = hashlib.sha256(extra.encode())
    for source in sources:
        with open(os.path.join(ROOT, source), "rb") as file:
            digest.update(file.read())
    stamp = os.path.join(STAMPS, name.replace(" ", "-"))
    try:
        with open(stamp) as file:
            if file.read() == digest.hexdigest():
                return
    except FileNotFoundError:
        pass
    free = shutil.disk_usage(ROOT).free
    if free < MIN_DISK_BYTES:
        raise SetupError(
            "the disk is nearly full (%d MB free): free at least %d MB and run it again"
            % (free // 10**6, MIN_DISK_BYTES // 10**6)
        )
    started = time.time()
    print("setup: %s ..." % name, flush=True)
    action()
    with open(stamp, "w") as file:
        file.write(digest.hexdigest())
    print("setup: %s done in %.0f s" % (name, time.time() - started), flush=True)


def install_environment(folder, lock):
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", folder], capture_output=True, text=True, check=False
    )
    if made.returncode:
        raise SetupError(
            "python cannot make a virtual environment (on Debian: apt-get install python3-venv): " + last_line(made)
        )
    run(
        [os.path.join(folder, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        + ["--require-hashes", "--no-deps", "-r", os.path.join(ROOT, lock)],
        "the Python packages could not be installed (is the package registry within reach?)",
    )


def install_python():
    install_environment(VENV, "requirements.lock")
    python = os.path.join(VENV, "bin", "python")
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    # Makes `ballast` importable and points Ape at this folder's own data and compilers, whoever starts it.
    with open(os.path.join(site, "ballast-project.pth"), "w") as file:
        file.write(ROOT + "\nimport ballast.environment\n")


def install_node():
    run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        "the node packages could not be installed (is the package registry within reach?)",
    )


def check_anvil():
    """The lock file carries anvil for Linux on x86-64; elsewhere the user's own of the same version serves."""
    bundled = os.path.join(ROOT, "node_modules", "@foundry-rs", "anvil-linux-amd64", "bin", "anvil")
    anvil = bundled if os.path.exists(bundled) else shutil.which("anvil")
    said = subprocess.run([anvil, "--version"], capture_output=True, text=True, check=False).stdout if anvil else ""
    if ANVIL not in said:
        raise SetupError(
            "anvil %s is missing: on this platform install Foundry %s and put it on the PATH" % (ANVIL, ANVIL)
        )


def install_compilers():
    """Put `solc-v<version>` where py-solc-x looks: a native compiler of that version, or the wrapper over soljson."""
    folder = os.path.join(TOOLS, "solcx")
    os.makedirs(folder, exist_ok=True)
    for version, package in COMPILERS.items():
        target = os.path.join(folder, "solc-v" + version)
        if os.path.lexists(target):
            os.remove(target)
        native = native_compiler(version)
        with open(target, "w") as file:
            if native:
                # Ape compiles a copy of the sources elsewhere; node_modules stays here.
                file.write(
                    '#!/bin/sh\ncase " $* " in *" --base-path "*) exec "%s" "$@" --include-path "%s" ;; esac\n'
                    'exec "%s" "$@"\n' % (native, ROOT, native)
                )
            else:
                file.write('#!/bin/sh\nexec node "%s" %s "$@"\n' % (os.path.join(ROOT, "tools", "solc.js"), package))
        os.chmod(target, 0o755)
        said = subprocess.run([target, "--version"], capture_output=True, text=True, check=False)
        if "Version: " + version not in said.stdout:
            raise SetupError("the Solidity compiler %s does not start: %s" % (version, last_line(said)))


def native_compiler(version):
    home = os.path.expanduser("~")
    candidates = [
        shutil.which("solc"),
        os.path.join(home, ".solcx", "solc-v" + version),
        os.path.join(home, ".svm", version, "solc-" + version),
        os.path.join(home, ".solc-select", "artifacts", "solc-" + version, "solc-" + version),
    ]
    for candidate in candidates:
        if candidate and os.access(candidate, os.X_OK):
            said = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False).stdout
            if "Version: %s+" % version in said:
                return os.path.realpath(candidate)
    return None


def run(command, problem):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        if "No space left" in done.stderr or "ENOSPC" in done.stderr:
            problem = "the disk is full: free some space and run it again"
        raise SetupError("%s: %s" % (problem, last_line(done)))


def last_line(done):
    """The line of a failed command's output that says most, without addresses."""
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"(?i)error", line)] or lines or ["no output"]
    return re.sub(r"https?://\S+", "(address)", telling[-1])[:200]


if __name__ == "__main__":
    try:
        main()
    except SetupError as error:
        sys.exit("setup: " + str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        sys.exit("setup: %s" % error)
