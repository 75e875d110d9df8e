"""Run as a script before a command: the command ends when whoever started it does, even by SIGKILL.

The kernel ties this to the *thread* that starts us: start from a thread that lives as long as the drill.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    parent_pid, *command = sys.argv[1:]
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() == int(parent_pid):
        os.execv(command[0], command)  # noqa: S606
