"""What a measurement was made on: processor, GPU, versions, commit, load."""

import datetime
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NVIDIA_FOLDERS = ("/usr/local/cuda", "/usr/local/nvidia")


def output_of(command, timeout=60):
    """What a command prints, stripped; None where it cannot be run or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def program(name):
    """Where a program of NVIDIA's is, which may be off the search path; else its name."""
    return shutil.which(name) or next(
        filter(shutil.which, (f"{folder}/bin/{name}" for folder in NVIDIA_FOLDERS)), name
    )


def gpu():
    """The first GPU's facts, or None where the driver shows none."""
    query = "--query-gpu=name,driver_version,memory.total,compute_cap"
    text = output_of([program("nvidia-smi"), query, "--format=csv,noheader,nounits"])
    rows = [line.split(",") for line in (text or "").splitlines() if line.count(",") == 3]
    if not rows:
        return None
    name, driver, memory, capability = (value.strip() for value in rows[0])
    return {
        "gpu": name, "driver": driver, "gpu_memory_mib": memory, "compute_capability": capability,
    }  # fmt: skip


def processor():
    text = Path("/proc/cpuinfo").read_text()
    found = re.search(r"model name\s*: (.*)", text)
    return found.group(1).strip() if found else platform.machine()


def commit():
    """The commit of the checkout, marked where files differ from it; "unknown" outside of one."""
    head = output_of(["git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"])
    if not head:
        return "unknown"
    changed = output_of(["git", "-C", str(ROOT), "status", "--porcelain", "-uno"])
    return f"{head} with changes" if changed else head


def compiler_version(command, pattern):
    found = re.search(pattern, output_of(command) or "")
    return found.group(1) if found else None


def cudnn_version(build):
    """By the name of the file that the CUDA engine loads."""
    listing = output_of(["ldd", str(build / "libnumeral_cuda.so")]) or ""
    found = re.search(r"libcudnn\.so\S* => (\S+)", listing)
    if not found:
        return None
    version = re.search(r"\.so\.(.*)", Path(found.group(1)).resolve().name)
    return version.group(1) if version else None


def torch_facts(python):
    """{"torch": version, "cuda": whether it sees a GPU, ...} of a Python; {} where it has none."""
    program = (
        "import json, torch; print(json.dumps({'torch': torch.__version__, "
        "'cuda': torch.cuda.is_available(), 'torch_cuda': torch.version.cuda, "
        "'torch_cudnn': torch.backends.cudnn.version()}))"
    )
    text = output_of([python, "-c", program], timeout=120)
    try:
        return json.loads((text or "").splitlines()[-1])
    except (IndexError, ValueError):
        return {}


def facts(build=None):
    """Of this machine; those that need the GPU or a compiler only where these are."""
    result = {
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": sys.version.split()[0],
        **(gpu() or {}),
    }
    optional = {
        "nvcc": compiler_version([program("nvcc"), "--version"], r"release ([\d.]+)"),
        "compiler": compiler_version(["c++", "-dumpfullversion"], r"(\S+)"),
        "cudnn": cudnn_version(build) if build else None,
    }
    return {**result, **{key: value for key, value in optional.items() if value}}


def load():
    """Processes that wanted a core over the last minute."""
    return round(os.getloadavg()[0], 2)


def stamp():
    now = datetime.datetime.now(datetime.timezone.utc)
    return {"date": now.date().isoformat(), "time_utc": now.strftime("%H:%M")}


def file_name(text):
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
