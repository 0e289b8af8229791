"""A JupyterLab of its own: started on a free port, with folders of its own, and ended with all its kernels."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.places import ROOT

SECONDS_TO_START = 120


@contextlib.contextmanager
def running_lab(folder: Path, private: Path) -> Iterator[str]:
    """Address of a JupyterLab over a folder, with its token; `private` takes all that it writes elsewhere."""
    port, token = free_port(), secrets.token_hex(16)
    options = [
        "--no-browser", "--allow-root", "--expose-app-in-browser", f"--port={port}", "--port-retries=0",
        "--ip=127.0.0.1", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}",
    ]  # fmt: skip
    log = (private / "lab.log").open("wb")
    lab = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options], cwd=folder, env=environment(private), stdout=log, stderr=log,
        stdin=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_up(lab, f"{address}/api/status?token={token}", private / "lab.log")
        yield f"{address}/lab/tree/{{}}?token={token}"
    finally:
        end(lab)
        log.close()


def environment(private: Path) -> dict[str, str]:
    """The environment of the server: settings, workspaces, history and sockets in a private folder."""
    folders = {
        "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces", "IPYTHONDIR": "ipython",
    }  # fmt: skip
    for name in folders.values():
        (private / name).mkdir(parents=True, exist_ok=True)
    silent = private / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    silent.parent.mkdir(parents=True)
    silent.write_text('{"fetchNews": "false", "checkForUpdates": false}', encoding="utf-8")
    paths = {variable: str(private / name) for variable, name in folders.items()}
    return {**os.environ, **paths, "PYTHONPATH": str(ROOT)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_up(lab: subprocess.Popen, address: str, log: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        if lab.poll() is not None:
            break
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.3)
        else:
            return
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-3000:]}")


def end(lab: subprocess.Popen) -> None:
    """Ask the server to end, with its kernels; insist after a while."""
    with contextlib.suppress(ProcessLookupError):
        lab.terminate()
    try:
        lab.wait(timeout=30)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(lab.pid, signal.SIGKILL)
        lab.wait()
