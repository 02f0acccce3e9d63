"""Software that no one here wrote, between Halo and the simulator or instead of it.

Started by `run`, which installs it and names the binary in HALO_BIN.
"""

import importlib
import os
import sys
import time

from bench import Checks


def main(names):
    checks = Checks(os.environ.get("PEERS_ONLY"))
    for name in names:
        started = time.monotonic()
        before = checks.passed, checks.failed
        print(f"== {name}", flush=True)
        try:
            importlib.import_module(f"peer_{name}").run(checks)
        except Exception as error:
            checks.failed += 1
            print(f"FAIL  {name} could not be run\n      {error}", flush=True)
        seconds = time.monotonic() - started
        passed, failed = checks.passed - before[0], checks.failed - before[1]
        print(f"== {name}: {passed} right, {failed} wrong in {seconds:.0f} s", flush=True)
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 0 if checks.passed and not checks.failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
