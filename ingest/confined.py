"""Runs a program that can compute and write in one folder, and reaches next to nothing else.

    python confined.py FOLDER CPU_SECONDS MEMORY_BYTES FILE_BYTES PROGRAM ARGUMENT...

A script of its own, as what it does to itself is done before the program begins. It is kept from
other files and from the network by Landlock (Linux 5.13; TCP from 6.7 on), which needs no rights.
Constants are those of the kernel's `linux/landlock.h` and `linux/prctl.h`.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
QUERY_VERSION = 1
PATH_BENEATH = 1
SET_NO_NEW_PRIVILEGES = 38

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_FILE, MAKE_SOCKET = 1 << 5, 1 << 9
READING = EXECUTE | READ_FILE | READ_DIR
# How many rights to files each version of Landlock knows, from 1 on.
KNOWN_RIGHTS = (13, 14, 15, 15, 16)
# Of the file rights, those that a single file can be given.
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | 1 << 14
# To bind and to connect TCP, which version 4 knows first.
TCP_RIGHTS, TCP_VERSION = 3, 4

# What a program is made of, and what fonts it finds; of /etc not what tells of people or keys.
READABLE = (
    *("/usr", "/lib", "/lib64", "/bin", "/opt", "/proc", "/sys/devices/system/cpu"),
    *("/etc/fonts", "/etc/libreoffice", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d"),
    *("/etc/alternatives", "/etc/localtime", "/etc/papersize", "/var/cache/fontconfig"),
    *("/var/lib/libreoffice", "/var/spool/libreoffice"),
)
WRITABLE = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", "/dev/full")
# LibreOffice does not begin without a socket there, wherever else its files are.
SOCKETS = ("/tmp", "/var/tmp")


def confine(folder: Path, program: Path) -> bool:
    """Keeps this process and those it starts from all but a folder and the system's programs.

    Args:
        folder: where it may do anything.
        program: what it will run, from wherever it is installed.

    Returns:
        Whether the kernel can do that.
    """
    if not is_possible():
        return False
    libc = ctypes.CDLL(None)
    version = _ask_version(libc)
    every = (1 << KNOWN_RIGHTS[min(version, len(KNOWN_RIGHTS)) - 1]) - 1
    handled = struct.pack("QQ", every, TCP_RIGHTS)
    n_bytes = len(handled) if version >= TCP_VERSION else len(handled) // 2
    ruleset = libc.syscall(CREATE_RULESET, handled, n_bytes, 0)
    if ruleset < 0:
        return False
    readable = [*READABLE, str(program.resolve().parent.parent)]
    rights = dict.fromkeys(readable, READING) | dict.fromkeys(WRITABLE, every)
    rights |= dict.fromkeys(SOCKETS, MAKE_SOCKET | REMOVE_FILE)
    for path, right in (rights | {str(folder): every}).items():
        _allow(libc, ruleset, path, right & every)
    libc.prctl(SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    return bool(libc.syscall(RESTRICT_SELF, ruleset, 0) == 0)


def is_possible() -> bool:
    """Whether the kernel has Landlock, and it is turned on."""
    return sys.platform.startswith("linux") and _ask_version(ctypes.CDLL(None)) > 0


def _ask_version(libc: ctypes.CDLL) -> int:
    return int(libc.syscall(CREATE_RULESET, None, 0, QUERY_VERSION))


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, right: int) -> None:
    try:
        beneath = os.open(path, os.O_PATH)
    except OSError:
        # Not there on this system.
        return
    try:
        if not Path(path).is_dir():
            right &= OF_FILES
        rule = struct.pack("=Qi", right, beneath)
        libc.syscall(ADD_RULE, ruleset, PATH_BENEATH, rule, 0)
    finally:
        os.close(beneath)


def _limit(cpu_s: int, memory_bytes: int, file_bytes: int) -> None:
    import resource

    for limit, value in (
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(limit)
        if hard == resource.RLIM_INFINITY or value < hard:
            resource.setrlimit(limit, (value, value))


def main() -> None:
    """Limits this process, and becomes the program."""
    folder, cpu_s, memory_bytes, file_bytes, program, *_ = sys.argv[1:]
    _limit(int(cpu_s), int(memory_bytes), int(file_bytes))
    confine(Path(folder), Path(program))
    os.execv(program, sys.argv[5:])


if __name__ == "__main__":
    main()
