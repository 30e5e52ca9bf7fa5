"""A list of checks that shares one time limit.

Every check passed, failed, or was skipped for a reason; nothing else counts as done. A program
that is still running at its own limit is ended with all its children, and has failed; one that the
end of the list's time stops, or finds not yet begun, was skipped.
"""

import os
import signal
import subprocess
import sys
import time

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
LEAST_SECONDS = 3  # with less time left nothing is begun


class Run:
    """A program that has ended: its exit status, seconds, output, and whether it was stopped."""

    def __init__(self, command, log, limit_s, left_s, environment=None):
        log.parent.mkdir(parents=True, exist_ok=True)
        begin = time.monotonic()
        self.limit_s, self.log, self.stopped = min(limit_s, left_s), log, False
        with open(log, "w") as output:
            try:
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                    start_new_session=True, env={**os.environ, **(environment or {})},
                )  # fmt: skip
                self.status = self._wait(process)
            except OSError as error:
                output.write(f"{command[0]}: {error.strerror}\n")
                self.status = 127
        self.seconds = time.monotonic() - begin
        self.cut_short = self.stopped and left_s < limit_s  # not by a limit of its own
        self.text = log.read_text(errors="replace")

    def _wait(self, process):
        try:
            return process.wait(self.limit_s)
        except subprocess.TimeoutExpired:
            self.stopped = True
        # The session's processes, so that none goes on measuring beside the next check.
        for kind, patience_s in ((signal.SIGTERM, 3), (signal.SIGKILL, None)):
            try:
                os.killpg(process.pid, kind)
                process.wait(patience_s)
            except (subprocess.TimeoutExpired, ProcessLookupError):
                continue
        return process.wait()

    def last_line(self):
        lines = [line.strip() for line in self.text.splitlines() if line.strip()]
        return lines[-1] if lines else "it printed nothing"

    def problem(self):
        """Why the run is no success; None where it is one."""
        if self.stopped:
            return f"still running at its limit of {self.limit_s:.0f} s"
        if self.status < 0:
            return f"ended by signal {-self.status}: {self.last_line()}"
        return f"exit status {self.status}: {self.last_line()}" if self.status else None


class Checklist:
    def __init__(self, minutes, logs, say=lambda line: print(line, file=sys.stderr, flush=True)):
        self.begin = time.monotonic()
        self.limit_s, self.logs, self.say = minutes * 60, logs, say
        self.checks = []

    def left_s(self):
        return self.limit_s - (time.monotonic() - self.begin)

    def add(self, name, status, seconds=0.0, reason=None, **details):
        check = {"name": name, "status": status, "seconds": round(seconds, 2)}
        if reason:
            check["reason"] = reason
        self.checks.append({**check, **details})
        self.say(f"{status:8}{name}  {seconds:.1f} s" + (f"  ({reason})" if reason else ""))

    def skip(self, name, reason):
        self.add(name, SKIPPED, reason=reason)

    def run(self, name, command, limit_s, environment=None):
        """Runs a program within what is left; where that is nothing, skips the check: None."""
        left = self.left_s()
        if left < LEAST_SECONDS:
            self.skip(name, "no time left")
            return None
        log = self.logs / (name.replace(" ", "_").replace("/", "_") + ".log")
        return Run([str(word) for word in command], log, limit_s, left, environment)

    def check(self, name, command, limit_s, judge=lambda run: (None, {}), environment=None):
        """A check that is one program. Where it succeeds, `judge` gives what is still wrong with
        it, and details. Whether it passed."""
        run = self.run(name, command, limit_s, environment)
        if run is None:
            return False
        if run.cut_short:
            self.add(name, SKIPPED, run.seconds, "no time left: it was stopped")
            return False
        problem, details = run.problem(), {}
        if problem is None:
            problem, details = judge(run)
        self.add(name, FAILED if problem else PASSED, run.seconds, problem, **details)
        return problem is None

    def count(self, status):
        return sum(check["status"] == status for check in self.checks)
