"""What the system reports, as people read it."""

import errno
import os
import socket
import ssl

import pytest

from bot.common.errors import system_words


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), "it does not exist"),
        (PermissionError(errno.EACCES, "Permission denied"), "this user has no right to it"),
        (IsADirectoryError(errno.EISDIR, "Is a directory"), "it is a directory"),
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
        (OSError(errno.EADDRINUSE, "Address already in use"), "another program listens there"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "it refuses connections"),
        (TimeoutError("timed out"), "it does not answer"),
        (socket.gaierror(-2, "Name or service not known"), "its name cannot be resolved"),
        (ssl.SSLError(1, "[X509] no certificate or crl found"), "it holds no certificates in PEM form"),
        (OSError(errno.EXDEV, "Invalid cross-device link"), "the system reports EXDEV"),
        (OSError("who knows"), "the system reports an error"),
    ],
)
def test_system_error_is_in_our_words(error: OSError, words: str) -> None:
    assert system_words(error) == words
    assert not error.errno or os.strerror(error.errno) not in words
