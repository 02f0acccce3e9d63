"""Fetches a wheel of LiteLLM, or reads the table of models out of one. Prints JSON or the table.

    wheel.py fetch FOLDER [VERSION]   the release (the newest without VERSION) into FOLDER, by pip;
                                      prints path, version, date and the registry's SHA-256
    wheel.py table WHEEL              the table, as it lies in the wheel

One wheel of a release is as good as another, since the table is the same in all; the one for Linux
on x86-64 is taken, so that every machine records the same file.
"""

import json
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

TABLE = "litellm/model_prices_and_context_window_backup.json"
PLATFORM = "manylinux_2_28_x86_64"


def releases():
    # pip knows where the registry is.
    from pip._internal.models.index import PyPI

    with urllib.request.urlopen(f"{PyPI.pypi_url}/litellm/json", timeout=120) as answer:
        return json.load(answer)


def fetch(folder, version):
    index = releases()
    version = version or index["info"]["version"]
    files = index["releases"].get(version) or sys.exit(f"there is no litellm {version}")
    wheels = [file for file in files if file["packagetype"] == "bdist_wheel"]
    ours = (f"{PLATFORM}.whl", "none-any.whl")
    wanted = [file for file in wheels if file["filename"].endswith(ours)]
    if not wanted:
        sys.exit(f"litellm {version} has no wheel for {PLATFORM}")
    file = wanted[0]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
    command += ["--only-binary=:all:", "--platform", PLATFORM, "--python-version", "3.12"]
    subprocess.run([*command, f"litellm=={version}"], check=True, stdout=sys.stderr)
    print(
        json.dumps(
            {
                "path": str(Path(folder) / file["filename"]),
                "version": version,
                "date": file["upload_time"][:10],
                "sha256": file["digests"]["sha256"],
            }
        )
    )


def table(wheel):
    sys.stdout.buffer.write(zipfile.ZipFile(wheel).read(TABLE))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["fetch", folder, *version]:
            fetch(folder, version[0] if version else None)
        case ["table", wheel]:
            table(wheel)
        case _:
            sys.exit(__doc__)
