"""Keys: only their owner can read them, only Ed25519 is taken, and nothing shows them."""

from __future__ import annotations

import base64
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from transforms.errors import PipelineError, UsageError
from warehouse.governance.agent import AgentSigner, agent_keys, open_agent_key
from warehouse.governance.keys import (
    KeyFileSigner,
    create_key_file,
    encode_public_key,
    fingerprint,
    is_signature_valid,
    open_key_file,
    parse_public_key,
    ssh_blob,
)

# RFC 8032, section 7.1, test 3.
RFC_8032_PUBLIC = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
RFC_8032_MESSAGE = bytes.fromhex("af82")
RFC_8032_SIGNATURE = bytes.fromhex(
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
    "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    create_key_file(tmp_path / "keys" / "ada.pem")
    return tmp_path / "keys" / "ada.pem"


def test_signature_of_the_standards_example_is_valid() -> None:
    assert is_signature_valid(encode_public_key(RFC_8032_PUBLIC), RFC_8032_SIGNATURE, RFC_8032_MESSAGE)


@pytest.mark.parametrize(
    ("signature", "message"),
    [
        (RFC_8032_SIGNATURE, b"other"),
        (RFC_8032_SIGNATURE[:-1] + b"\0", RFC_8032_MESSAGE),
        (RFC_8032_SIGNATURE[:-1], RFC_8032_MESSAGE),
        (b"", RFC_8032_MESSAGE),
    ],
)
def test_signature_of_something_else_is_not_valid(signature: bytes, message: bytes) -> None:
    assert not is_signature_valid(encode_public_key(RFC_8032_PUBLIC), signature, message)


def test_key_file_signs_and_its_public_key_verifies(key_file: Path) -> None:
    signer = open_key_file(key_file)
    assert is_signature_valid(signer.public_key, signer.sign(b"message"), b"message")


def test_key_file_is_for_its_owner_only_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        create_key_file(tmp_path / "keys" / "a.pem")
    finally:
        os.umask(before)
    assert (tmp_path / "keys" / "a.pem").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700


def test_key_file_is_never_overwritten(key_file: Path) -> None:
    body = key_file.read_bytes()
    with pytest.raises(PipelineError, match="could not be written"):
        create_key_file(key_file)
    assert key_file.read_bytes() == body
    assert [path.name for path in key_file.parent.iterdir() if not path.name.startswith(".")] == ["ada.pem"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o602, 0o610, 0o601, 0o660])
def test_key_file_that_others_can_reach_is_refused(key_file: Path, mode: int) -> None:
    key_file.chmod(mode)
    with pytest.raises(UsageError, match=f"(?s)mode {mode:04o}.*0600.*chmod 600"):
        open_key_file(key_file)


def test_key_file_behind_a_link_is_judged_by_the_file(key_file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.pem"
    link.symlink_to(key_file)
    assert open_key_file(link).public_key == open_key_file(key_file).public_key
    key_file.chmod(0o644)
    with pytest.raises(UsageError, match=r"(?s)mode 0644.*ada\.pem"):
        open_key_file(link)


def test_key_file_of_another_user_is_refused(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: key_file.stat().st_uid + 1)
    with pytest.raises(UsageError, match="a file of user"):
        open_key_file(key_file)


def test_key_file_may_not_be_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(UsageError, match="not a plain file"):
        open_key_file(tmp_path / "pipe")


def test_key_file_that_is_missing_or_a_loop_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name in ("none.pem", "loop"):
        with pytest.raises(UsageError, match="no such file"):
            open_key_file(tmp_path / name)


def test_key_file_encrypted_needs_its_passphrase(tmp_path: Path) -> None:
    made = create_key_file(tmp_path / "a.pem", b"open sesame")
    assert open_key_file(tmp_path / "a.pem", b"open sesame").public_key == made.public_key
    with pytest.raises(UsageError, match="ALVH_KEY_PASSPHRASE"):
        open_key_file(tmp_path / "a.pem")
    with pytest.raises(UsageError, match="does not open") as refused:
        open_key_file(tmp_path / "a.pem", b"sesame")
    assert "sesame" not in str(refused.value)


def test_key_file_without_encryption_ignores_a_passphrase(key_file: Path) -> None:
    assert open_key_file(key_file, b"for another key").public_key == open_key_file(key_file).public_key


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"]
)
def test_key_file_with_something_else_is_refused_without_quoting_it(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "a.pem"
    path.write_bytes(body)
    path.chmod(0o600)
    with pytest.raises(UsageError, match="Ed25519 key in PEM") as refused:
        open_key_file(path)
    assert "c2VjcmV0" not in str(refused.value)
    assert "nonsense" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_key_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ec.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    with pytest.raises(UsageError, match="another kind"):
        open_key_file(path)


def test_signer_does_not_show_its_key(key_file: Path) -> None:
    signer = open_key_file(key_file)
    assert repr(signer) == f"KeyFileSigner(path={key_file!r})"


def test_public_key_is_read_from_base64_and_from_an_ssh_line() -> None:
    text = encode_public_key(RFC_8032_PUBLIC)
    line = f"ssh-ed25519 {base64.b64encode(ssh_blob(RFC_8032_PUBLIC)).decode()} ada@desk"
    assert parse_public_key(text) == parse_public_key(f" {text}\n") == parse_public_key(line) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519",
        "ssh-rsa AAAA",
        encode_public_key(RFC_8032_PUBLIC[:-1]),
        encode_public_key(RFC_8032_PUBLIC) + "=",
        "ssh-ed25519 " + base64.b64encode(ssh_blob(RFC_8032_PUBLIC) + b"x").decode(),
        "ssh-ed25519 " + base64.b64encode(RFC_8032_PUBLIC).decode(),
    ],
)
def test_public_key_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not an Ed25519 public key"):
        parse_public_key(text)


def framed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


def take(source: bytes, offset: int) -> tuple[bytes, int]:
    length = int.from_bytes(source[offset : offset + 4], "big")
    return source[offset + 4 : offset + 4 + length], offset + 4 + length


class FakeAgent:
    """An SSH agent on a loopback socket; ``answers`` replaces what a request of a type is answered with."""

    def __init__(self, path: Path, signer: KeyFileSigner) -> None:
        self.path, self.signer = path, signer
        self.answers: dict[int, bytes] = {}
        self.asked: list[bytes] = []
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(path))
        self.server.listen()
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.server.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            with connection:
                length = int.from_bytes(connection.recv(4), "big")
                request = connection.recv(length, socket.MSG_WAITALL)
                self.asked.append(request)
                connection.sendall(self.answers.get(request[0]) or framed(self._answer(request)))

    def _answer(self, request: bytes) -> bytes:
        blob = ssh_blob(base64.b64decode(self.signer.public_key))
        if request[0] == 11:
            rsa = framed(framed(b"ssh-rsa") + framed(b"e") + framed(b"n")) + framed(b"old key")
            return bytes([12]) + (2).to_bytes(4, "big") + rsa + framed(blob) + framed(b"ada@desk")
        key, offset = take(request, 1)
        message, offset = take(request, offset)
        if key != blob or request[offset:] != bytes(4):
            return bytes([5])
        return bytes([14]) + framed(framed(b"ssh-ed25519") + framed(self.signer.sign(message)))


@pytest.fixture
def agent(tmp_path: Path, key_file: Path) -> Iterator[FakeAgent]:
    served = FakeAgent(tmp_path / "agent", open_key_file(key_file))
    yield served
    served.close()


def test_agent_key_signs_as_the_key_file_does(agent: FakeAgent) -> None:
    signer = open_agent_key(agent.path, [agent.signer.public_key])
    assert signer.sign(b"message") == agent.signer.sign(b"message")


def test_agent_lists_its_ed25519_keys_only(agent: FakeAgent) -> None:
    assert agent_keys(agent.path) == [agent.signer.public_key]


def test_agent_without_a_signers_key_is_refused(agent: FakeAgent) -> None:
    other = encode_public_key(RFC_8032_PUBLIC)
    with pytest.raises(UsageError, match="holds no signer's key") as refused:
        open_agent_key(agent.path, [other])
    assert fingerprint(agent.signer.public_key) in str(refused.value)
    assert fingerprint(other) in str(refused.value)


def test_agent_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="SSH_AUTH_SOCK is not set"):
        open_agent_key(None, [])
    with pytest.raises(PipelineError, match=r"(?s)does not answer.*nobody"):
        agent_keys(tmp_path / "nobody")


@pytest.mark.parametrize(
    "answer",
    [
        framed(bytes([5])),
        framed(bytes([14])),
        framed(bytes([14]) + framed(framed(b"ssh-ed25519") + framed(b"\0" * 64))),
        framed(bytes([14]) + framed(framed(b"ssh-rsa") + framed(b"\0" * 64))),
        framed(bytes([14]) + (2**31).to_bytes(4, "big")),
        framed(b""),
        (2**31).to_bytes(4, "big"),
        b"\0\0",
    ],
)
def test_agent_that_answers_with_no_valid_signature_is_refused(agent: FakeAgent, answer: bytes) -> None:
    agent.answers[13] = answer
    with pytest.raises(PipelineError, match="SSH agent"):
        AgentSigner(agent.path, agent.signer.public_key).sign(b"message")


@pytest.mark.parametrize("answer", [framed(bytes([5])), framed(bytes([12]) + b"\xff" * 4), framed(b"\x0c\0\0\0\x01\0")])
def test_agent_that_answers_with_no_list_is_refused(agent: FakeAgent, answer: bytes) -> None:
    agent.answers[11] = answer
    with pytest.raises(PipelineError, match="not a list of keys"):
        agent_keys(agent.path)


@contextmanager
def openssh_agent(folder: Path) -> Iterator[Path]:
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(folder / "s")], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield folder / "s"
    finally:
        process.terminate()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.mark.skipif(shutil.which("ssh-agent") is None, reason="OpenSSH is not installed")
def test_agent_of_openssh_signs(tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "id")], check=True)
    public_key = parse_public_key((tmp_path / "id.pub").read_text(encoding="utf-8"))
    with openssh_agent(tmp_path) as path:
        environment = {**os.environ, "SSH_AUTH_SOCK": str(path)}
        subprocess.run(["ssh-add", "-q", str(tmp_path / "id")], check=True, env=environment, capture_output=True)
        signature = open_agent_key(path, [public_key]).sign(b"message")
    assert is_signature_valid(public_key, signature, b"message")
    listed = subprocess.run(["ssh-keygen", "-lf", str(tmp_path / "id.pub")], check=True, capture_output=True, text=True)
    assert fingerprint(public_key) in listed.stdout


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="OpenSSH is not installed")
def test_key_file_of_openssh_is_sent_to_the_agent(tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "id")], check=True)
    with pytest.raises(UsageError, match="signs through its agent"):
        open_key_file(tmp_path / "id")
