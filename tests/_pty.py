"""Runs a command on a terminal of its own: pty.py STEPS COMMAND…

STEPS is a JSON list of [wait for this pattern, then type this]. Prints a JSON object: the exit code, the
output, and how many steps were left when the command ended.
"""

import json
import os
import pty
import re
import select
import sys
import time

TIMEOUT_S = 60
# Nobody types sooner; keys that come together would be one line, one interrupt.
PAUSE_S = 0.15


def main():
    steps = json.loads(sys.argv[1])
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(sys.argv[2], sys.argv[2:])
    output, seen, end = b"", 0, time.time() + TIMEOUT_S
    while time.time() < end:
        if steps and (match := re.compile(steps[0][0].encode(), re.S).search(output, seen)):
            seen = match.end()
            time.sleep(PAUSE_S)
            os.write(terminal, steps.pop(0)[1].encode())
            continue
        if not select.select([terminal], [], [], 0.05)[0]:
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:  # Linux says so when the other side is closed.
            data = b""
        if not data:
            break
        output += data
    else:
        os.kill(pid, 9)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    text = output.decode(errors="replace")
    json.dump({"code": code, "output": text, "left": len(steps)}, sys.stdout)


main()
