"""Signing through an SSH agent: the private key stays with the agent (or in the token behind it).

Two requests of the SSH agent protocol (draft-miller-ssh-agent): the list of identities, and a signature.
An agent signs any bytes with an Ed25519 key, plain RFC 8032 signatures, so that one made by an agent
is the same as one made from a key file.
"""

from __future__ import annotations

import base64
import socket
from dataclasses import dataclass
from pathlib import Path

from transforms.errors import PipelineError, UsageError
from warehouse.governance.keys import SSH_KIND, encode_public_key, fingerprint, is_signature_valid, ssh_blob

_REQUEST_IDENTITIES, _IDENTITIES = 11, 12
_SIGN_REQUEST, _SIGN_RESPONSE = 13, 14
_MOST_BYTES = 262_144
_SECONDS = 60.0  # an agent may ask its user first


@dataclass(frozen=True)
class AgentSigner:
    """A key that an SSH agent holds."""

    socket_path: Path
    public_key: str

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message, 64 bytes, checked against the public key.

        Raises
        ------
        PipelineError
            If the agent refuses, or answers with anything but a valid signature.
        """
        request = bytes([_SIGN_REQUEST]) + _text(ssh_blob(base64.b64decode(self.public_key))) + _text(message)
        answer = _ask(self.socket_path, request + (0).to_bytes(4, "big"))
        try:
            if answer[:1] != bytes([_SIGN_RESPONSE]):
                raise ValueError("a refusal")
            blob, _ = _take(answer, 1)
            kind, offset = _take(blob, 0)
            signature, _ = _take(blob, offset)
        except ValueError:
            raise self._not_signed("a refusal, or an answer that is not a signature") from None
        if kind != SSH_KIND or not is_signature_valid(self.public_key, signature, message):
            raise self._not_signed("a signature that this key did not make")
        return signature

    def _not_signed(self, found: str) -> PipelineError:
        return PipelineError(
            "the SSH agent did not sign",
            where=str(self.socket_path),
            found=found,
            expected=f"a signature of {fingerprint(self.public_key)}",
            next_step="`ssh-add -l` shows what the agent holds; `ssh-add -X` unlocks it",
        )


def agent_keys(socket_path: Path) -> list[str]:
    """Return the Ed25519 public keys that an agent holds, in the agent's order.

    Raises
    ------
    PipelineError
        If no agent answers at this socket.
    """
    answer = _ask(socket_path, bytes([_REQUEST_IDENTITIES]))
    head = ssh_blob(b"")[:-4]
    keys = []
    try:
        if answer[:1] != bytes([_IDENTITIES]):
            raise ValueError("not a list of identities")
        count, offset = int.from_bytes(_exactly(answer, 1, 4), "big"), 5
        for _ in range(count):
            blob, offset = _take(answer, offset)
            _comment, offset = _take(answer, offset)
            raw = blob[len(head) + 4 :]
            if blob == ssh_blob(raw) and len(raw) == 32:
                keys.append(encode_public_key(raw))
    except ValueError:
        raise _no_agent(socket_path, "an answer that is not a list of keys") from None
    return keys


def open_agent_key(socket_path: Path | None, among: list[str]) -> AgentSigner:
    """Return the one key of an agent that is among the signers' public keys.

    Parameters
    ----------
    socket_path
        What ``SSH_AUTH_SOCK`` says; None where it is not set.
    among
        Public keys that may sign.

    Raises
    ------
    UsageError
        If there is no agent, or the agent holds none or several of these keys.
    """
    if socket_path is None:
        raise UsageError(
            "there is no SSH agent",
            found="SSH_AUTH_SOCK is not set",
            expected="the socket of a running agent",
            next_step="start one (`eval $(ssh-agent)`, `ssh-add`), or sign with a key file",
        )
    held = agent_keys(socket_path)
    usable = [key for key in held if key in among]
    if len(usable) != 1:
        found = ", ".join(fingerprint(key) for key in usable or held) or "no Ed25519 key"
        raise UsageError(
            "the SSH agent holds more than one signer's key" if usable else "the SSH agent holds no signer's key",
            where=str(socket_path),
            found=found,
            expected="one of " + ", ".join(fingerprint(key) for key in among),
            next_step="`ssh-add` adds a key to the agent, `ssh-add -d` removes one",
        )
    return AgentSigner(socket_path, usable[0])


def _ask(socket_path: Path, request: bytes) -> bytes:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_SECONDS)
            connection.connect(str(socket_path))
            connection.sendall(_text(request))
            length = int.from_bytes(_receive(connection, 4), "big")
            if not 0 < length <= _MOST_BYTES:
                raise _no_agent(socket_path, f"an answer of {length} bytes")
            return _receive(connection, length)
    except OSError as error:
        raise _no_agent(socket_path, error.strerror or type(error).__name__) from None


def _receive(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        part = connection.recv(count - len(received))
        if not part:
            raise ConnectionResetError(0, "the connection was closed")
        received += part
    return received


def _no_agent(socket_path: Path, found: str) -> PipelineError:
    return PipelineError(
        "the SSH agent does not answer",
        where=str(socket_path),
        found=found,
        expected="an SSH agent at this socket",
        next_step="check SSH_AUTH_SOCK, or sign with a key file",
    )


def _text(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


def _exactly(source: bytes, offset: int, count: int) -> bytes:
    part = source[offset : offset + count]
    if len(part) != count:
        raise ValueError("an answer that ends too early")
    return part


def _take(source: bytes, offset: int) -> tuple[bytes, int]:
    length = int.from_bytes(_exactly(source, offset, 4), "big")
    return _exactly(source, offset + 4, length), offset + 4 + length
