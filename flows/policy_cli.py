"""``alvh policy``: show, check and compare policies, and put one in force. Heavy imports stay inside."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.command_line import DebugOption, HomeOption, JsonOption, reports_errors
from flows.completion import complete_policies, complete_presets
from flows.help_texts import PanelGroup
from flows.homes import home_to_read
from flows.printing import print_json, print_lines
from transforms.errors import UsageError

if TYPE_CHECKING:
    from warehouse.governance.keys import Signer
    from warehouse.governance.register import Register

PASSPHRASE = "ALVH_KEY_PASSPHRASE"  # noqa: S105 - the name of the variable
_MOST_ENTRIES = 20

policy_app = typer.Typer(
    cls=PanelGroup,
    rich_markup_mode=None,
    help="Read the rules, see who signed them, and change them.",
    no_args_is_help=True,
)

IdArgument = Annotated[str, typer.Argument(help="Proposal, by its name or the start of it.", show_default=False)]


def utc_now() -> datetime:
    """Return the instant of the command."""
    return datetime.now(UTC)


@policy_app.command()
@reports_errors
def show(
    preset: Annotated[
        str | None,
        typer.Option("--preset", help="A shipped policy instead of the home's.", autocompletion=complete_presets),
    ] = None,
    effective: Annotated[
        datetime | None,
        typer.Option(
            "--effective", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="The policy in force on a session."
        ),
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Print a policy; the output is a policy file.

    The one in force, the one of a session, or a preset.

    \b
    Examples:
      alvh policy show
      alvh policy show --effective 2020-03-16
      alvh policy show --preset article > draft.toml
    """
    from flows.policy_views import show_adopted, show_preset

    if preset is not None and effective is not None:
        raise UsageError("--preset and --effective name two policies", expected="one of them")
    if preset is not None:
        _print(show_preset(preset, as_json=as_json))
        return
    _print(show_adopted(home_to_read(home), effective.date() if effective else None, utc_now(), as_json=as_json))


@policy_app.command()
@reports_errors
def presets(as_json: JsonOption = False, debug: DebugOption = False) -> None:
    """List the shipped policies.

    \b
    Examples:
      alvh policy presets
    """
    from flows.policy_views import list_presets

    _print(list_presets(as_json=as_json)) if as_json else print_lines(list_presets(as_json=False))


@policy_app.command()
@reports_errors
def validate(
    file: Annotated[Path, typer.Argument(help="Policy file.", show_default=False)],
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Check a policy file.

    With a published warehouse, how often each rule held is counted too. Code 2 if it cannot be used.

    \b
    Examples:
      alvh policy validate draft.toml
    """
    from flows.policies import count_on_data
    from flows.policy_texts import read_policy_file
    from flows.policy_views import describe_validation
    from transforms.policy.on_data import refuse_idle_rules

    text = read_policy_file(file.expanduser())
    counts = count_on_data(home_to_read(home), text)
    _print(describe_validation(text, counts, as_json=as_json))
    refuse_idle_rules(counts or [], where=text.where)


@policy_app.command()
@reports_errors
def diff(
    before: Annotated[
        str,
        typer.Argument(metavar="A", help="File, preset, hash, or `adopted`.", autocompletion=complete_policies),
    ] = "adopted",
    after: Annotated[
        str | None,
        typer.Argument(
            metavar="B", help="The same; policy.toml of the home by default.", autocompletion=complete_policies
        ),
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Say in words what policy B says that policy A does not.

    \b
    Examples:
      alvh policy diff                          the adopted policy and policy.toml
      alvh policy diff adopted draft.toml
      alvh policy diff article canon
    """
    from flows.policy_texts import find_policy, list_differences, read_policy_file
    from warehouse.governance.log import PolicyFolder

    folder = home_to_read(home)
    register = _register(home)
    first = find_policy(folder, register, before)
    last = read_policy_file(PolicyFolder.of(folder).policy) if after is None else find_policy(folder, register, after)
    lines = list_differences(first, last)
    if as_json:
        print_json({"before": first.policy_hash, "after": last.policy_hash, "changes": lines})
        return
    _print("\n".join([f"from {first.title} to {last.title}:", *(lines or ["nothing changes"])]))


@policy_app.command()
@reports_errors
def propose(
    file: Annotated[Path | None, typer.Argument(help="Policy file; policy.toml of the home by default.")] = None,
    by: Annotated[str | None, typer.Option("--by", help="Who proposes; the user's name by default.")] = None,
    signers: Annotated[
        Path | None, typer.Option("--signers", help="Propose other signers: a signers.toml, instead of a policy.")
    ] = None,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Propose a policy, or other signers, to those who may sign.

    Nothing takes effect by it.

    \b
    Examples:
      alvh policy propose draft.toml --by Ada
      alvh policy propose --signers signers.toml
    """
    from getpass import getuser

    from flows.policy_changes import propose_other_signers, propose_policy

    who = by or getuser()
    folder = home_to_read(home)
    if signers is not None:
        if file is not None:
            raise UsageError("a proposal is of a policy or of signers", expected="FILE or --signers FILE, not both")
        _print(propose_other_signers(folder, signers.expanduser(), who, utc_now()))
        return
    _print(propose_policy(folder, file.expanduser() if file else None, who, utc_now()))


@policy_app.command()
@reports_errors
def sign(
    proposal: IdArgument,
    key: Annotated[
        Path | None, typer.Option("--key", help="File of your private key, PEM, mode 0600.", show_default=False)
    ] = None,
    agent: Annotated[bool, typer.Option("--agent", help="Sign with the SSH agent at SSH_AUTH_SOCK.")] = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Sign a proposal with your key.

    An encrypted key file needs ALVH_KEY_PASSPHRASE.

    \b
    Examples:
      alvh policy sign 3fa2c1d09b7e4a56 --key ~/keys/ada.pem
      alvh policy sign 3fa2 --agent
    """
    from flows.policy_changes import sign_proposal

    if (key is None) == (not agent):
        raise UsageError("who signs?", expected="--key FILE, or --agent, one of them")
    folder = home_to_read(home)
    register = _register(home)
    _print(sign_proposal(folder, register, proposal, lambda: _open_signer(register, key), utc_now()))


@policy_app.command()
@reports_errors
def adopt(proposal: IdArgument, home: HomeOption = None, debug: DebugOption = False) -> None:
    """Adopt a proposal that enough signers signed.

    A policy is in force from the next session on.

    \b
    Examples:
      alvh policy adopt 3fa2c1d09b7e4a56
    """
    from flows.policy_changes import adopt_proposal

    _print(adopt_proposal(home_to_read(home), proposal, utc_now()))


@policy_app.command()
@reports_errors
def restore(home: HomeOption = None, debug: DebugOption = False) -> None:
    """Write the adopted policy back into policy.toml.

    What stood there is set aside.

    \b
    Examples:
      alvh policy restore
    """
    from flows.policy_changes import restore_policy

    _print(restore_policy(home_to_read(home)))


@policy_app.command()
@reports_errors
def log(
    number: Annotated[int, typer.Option("-n", min=1, help="How many of the last entries.")] = _MOST_ENTRIES,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """List the last entries of the policy log.

    With its head, which is worth noting elsewhere, and the proposals that wait for signatures.

    \b
    Examples:
      alvh policy log
      alvh policy log -n 5 --json
    """
    from flows.policy_views import describe_log

    folder = home_to_read(home)
    text = describe_log(folder, _register(home), number, as_json=as_json)
    _print(text) if as_json else print_lines(text)


@policy_app.command()
@reports_errors
def keygen(
    file: Annotated[Path, typer.Argument(help="New file, outside of the home.", show_default=False)],
    name: Annotated[str | None, typer.Option("--name", help="Your name among the signers.")] = None,
    debug: DebugOption = False,
) -> None:
    """Make a private key that only you can read.

    What goes into signers.toml is printed. The key is encrypted where ALVH_KEY_PASSPHRASE is set.

    \b
    Examples:
      alvh policy keygen ~/keys/ada.pem --name Ada
    """
    from getpass import getuser

    from flows.policy_views import describe_new_key
    from warehouse.governance.keys import create_key_file

    signer = create_key_file(file.expanduser(), _passphrase())
    _print(describe_new_key(signer.path, signer.public_key, name or getuser(), utc_now()))


def _open_signer(register: Register, key: Path | None) -> Signer:
    from warehouse.governance.agent import open_agent_key
    from warehouse.governance.keys import open_key_file

    if key is not None:
        return open_key_file(key.expanduser(), _passphrase())
    socket = os.environ.get("SSH_AUTH_SOCK")
    among = [entry.public_key for entry in register.signers.keys] if register.signers else []
    return open_agent_key(Path(socket) if socket else None, among)


def _passphrase() -> bytes | None:
    # Read here and handed on: no setting, record or error ever holds it.
    given = os.environ.get(PASSPHRASE)
    return given.encode() if given else None


def _register(home: Path | None) -> Register:
    from warehouse.governance.store import read_register

    return read_register(home_to_read(home))


def _print(text: Any) -> None:
    print(text)
