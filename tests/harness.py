"""What the tests in Python share: the binary as a process, and free ports."""

import os
import re
import socket
import subprocess
import threading


class Program:
    """A process; its lines of output are read until all patterns were seen."""

    def __init__(self, command, patterns, seconds=60, **environment):
        env = {
            name: value
            for name, value in os.environ.items()
            # Keys and settings of whoever runs the test stay outside.
            if not name.startswith(("HALO_", "OPENAI_", "ANTHROPIC_", "GEMINI_", "GOOGLE_"))
        }
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=env | environment,
        )
        self.found = {}
        self.output = []
        watchdog = threading.Timer(seconds, self.process.kill)
        watchdog.start()
        try:
            for line in self.process.stdout:
                self.output.append(line)
                for name, pattern in patterns.items():
                    if match := re.search(pattern, line):
                        self.found[name] = match[match.lastindex or 0]
                if len(self.found) == len(patterns):
                    break
            else:
                self.process.wait()
                said = "".join(self.output[-40:])
                raise AssertionError(f"{command} ended after printing:\n{said}")
        finally:
            watchdog.cancel()
        threading.Thread(target=self.read_on, daemon=True).start()

    def read_on(self):
        self.output.extend(self.process.stdout)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
