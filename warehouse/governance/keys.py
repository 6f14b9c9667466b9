"""Ed25519 keys: public ones as text, private ones in files that only their owner can read.

A private key is read where it signs and nowhere else; it is never printed, logged or copied, and no
error or representation shows more of a key than its fingerprint.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from transforms.errors import PipelineError, UsageError
from warehouse.home import make_folder, sync_folder

SSH_KIND = b"ssh-ed25519"
_MOST_BYTES = 65_536
_KEY_BYTES = 32


class Signer(Protocol):
    """Something that holds a private key and signs with it."""

    @property
    def public_key(self) -> str:
        """The public key, Base64 of its 32 bytes."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message, 64 bytes."""
        ...


@dataclass(frozen=True)
class KeyFileSigner:
    """A private key read from a file."""

    path: Path
    _key: Ed25519PrivateKey = field(repr=False)

    @property
    def public_key(self) -> str:
        """The public key, Base64 of its 32 bytes."""
        return encode_public_key(self._key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message, 64 bytes."""
        return self._key.sign(message)


def encode_public_key(raw: bytes) -> str:
    """Return a public key's 32 bytes as Base64 text."""
    return base64.b64encode(raw).decode()


def parse_public_key(text: str) -> str:
    """Return a public key in the one spelling kept here: Base64 of its 32 bytes.

    Parameters
    ----------
    text
        That Base64, or a line of an OpenSSH public key file (``ssh-ed25519 AAAA... comment``).

    Raises
    ------
    UsageError
        If it is neither.
    """
    words = text.split()
    try:
        if words[:1] == [SSH_KIND.decode()] and len(words) > 1:
            blob = base64.b64decode(words[1], validate=True)
            head = ssh_blob(b"")[:-4]
            if blob.startswith(head) and blob == ssh_blob(blob[len(head) + 4 :]):
                return _checked(blob[len(head) + 4 :])
        elif len(words) == 1:
            return _checked(base64.b64decode(words[0], validate=True))
    except (ValueError, binascii.Error):
        pass
    raise UsageError(
        "this is not an Ed25519 public key",
        found=repr(text[:120]),
        expected="Base64 of 32 bytes, or a line that starts with ssh-ed25519",
        next_step="`ssh-keygen -t ed25519` makes a pair; the public half is the file that ends in .pub",
    )


def _checked(raw: bytes) -> str:
    if len(raw) != _KEY_BYTES:
        raise ValueError("an Ed25519 public key has 32 bytes")
    return encode_public_key(raw)


def fingerprint(public_key: str) -> str:
    """Return the short name of a public key, as ``ssh-keygen -lf`` prints it."""
    digest = hashlib.sha256(ssh_blob(base64.b64decode(public_key))).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def ssh_blob(raw: bytes) -> bytes:
    """Return a public key as SSH sends it: its kind and its bytes, each behind its length."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in (SSH_KIND, raw))


def is_signature_valid(public_key: str, signature: bytes, message: bytes) -> bool:
    """Say whether a signature of a message was made with the private half of a public key."""
    try:
        Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key)).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def create_key_file(path: Path, passphrase: bytes | None = None) -> KeyFileSigner:
    """Make a key and write it, PKCS8 in PEM, to a new file that only its owner can read.

    Raises
    ------
    PipelineError
        If there is a file of that name (a key is never overwritten) or the disk does not take it.
    """
    key = Ed25519PrivateKey.generate()
    sealed: KeySerializationEncryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    temporary = path.with_name(f".{path.name}.new")
    try:
        make_folder(path.parent)
        temporary.unlink(missing_ok=True)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed))
            file.flush()
            os.fsync(file.fileno())
        # Whole before it has its name, and, unlike a rename, a link never replaces a key.
        os.link(temporary, path)
        temporary.unlink()
        sync_folder(path.parent)
    except OSError as error:
        raise PipelineError(
            "the new key could not be written",
            where=str(path),
            found=error.strerror or type(error).__name__,
            expected="a file name that is free, in a folder this user can write",
            next_step="name another file; an existing key is never overwritten",
        ) from None
    return KeyFileSigner(path, key)


def open_key_file(path: Path, passphrase: bytes | None = None) -> KeyFileSigner:
    """Read a private key.

    Parameters
    ----------
    path
        PEM file (PKCS8). A symbolic link is followed and the file behind it is what is judged.
    passphrase
        Needed where the file is encrypted, ignored where it is not.

    Raises
    ------
    UsageError
        If the file is missing, readable or writable by anybody but its owner, somebody else's, not an
        Ed25519 key in PEM, or encrypted with another passphrase. No part of the file is in the message.
    """
    resolved = _resolve(path)
    pem = _read_private(path, resolved)
    is_encrypted = b"BEGIN ENCRYPTED PRIVATE KEY" in pem
    if is_encrypted and not passphrase:
        raise _unusable(path, "an encrypted key and no passphrase", "the passphrase in ALVH_KEY_PASSPHRASE")
    try:
        key = load_pem_private_key(pem, passphrase if is_encrypted else None)
    except Exception:  # whatever the library says may quote the file
        found = "an encrypted key that this passphrase does not open" if is_encrypted else "something else"
        if b"BEGIN OPENSSH PRIVATE KEY" in pem:
            found = "an OpenSSH key, which signs through its agent (`ssh-add`, then --agent)"
        raise _unusable(path, found, "an Ed25519 key in PEM (PKCS8)") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _unusable(path, "a key of another kind", "an Ed25519 key in PEM (PKCS8)")
    return KeyFileSigner(path, key)


def _resolve(path: Path) -> Path:
    try:
        return path.expanduser().resolve(strict=True)
    except (OSError, RuntimeError):
        raise _unusable(path, "no such file", "a private key file") from None


def _read_private(path: Path, resolved: Path) -> bytes:
    try:
        # Judged and read through one handle: nothing can be swapped in between.
        handle = os.open(resolved, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise _unusable(path, error.strerror or type(error).__name__, "a file this user can read") from None
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(file.fileno())
        behind = "" if resolved == path else f" ({resolved})"
        if not stat.S_ISREG(facts.st_mode):
            raise _unusable(path, f"not a plain file{behind}", "a private key file")
        mode = stat.S_IMODE(facts.st_mode)
        if mode & 0o077:
            raise _unusable(
                path, f"mode {mode:04o}{behind}", "mode 0600: a key only its owner can read", f"chmod 600 {resolved}"
            )
        if facts.st_uid != os.geteuid():
            raise _unusable(path, f"a file of user {facts.st_uid}{behind}", f"a file of user {os.geteuid()}")
        return file.read(_MOST_BYTES)


def _unusable(path: Path, found: str, expected: str, next_step: str | None = None) -> UsageError:
    return UsageError(
        "the private key cannot be used",
        where=str(path),
        found=found,
        expected=expected,
        next_step=next_step or "name another key file with --key",
    )
