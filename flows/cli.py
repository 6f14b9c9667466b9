"""The command line: ``alvh``. What each command does is in the module of its panel; heavy imports stay inside those."""

from __future__ import annotations

import typer

from flows import (
    audit_cli,
    book_cli,
    explain_cli,
    export_cli,
    hedge_cli,
    keep_cli,
    look_cli,
    open_cli,
    policy_cli,
    recalibrate_cli,
    revisions_cli,
    run_cli,
)
from flows import notify_cli as notices
from flows import sweep_cli as sweeps
from flows.help_texts import AUDIT, CONTEXT, KEEP, LOOK, RULES, RUN, START_HERE, PanelGroup, run_app

app = typer.Typer(
    name="alvh",
    cls=PanelGroup,
    help="Nightly VIX futures pipeline: settlements in, checked DuckDB warehouse and hedge-state report out.",
    epilog=START_HERE,
    context_settings=CONTEXT,
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

# In the order of the help: panels first, then what a reader needs first.
for panel, commands in {
    RUN: (
        run_cli.nightly,
        run_cli.backfill,
        run_cli.schedule,
        notices.notify,
        recalibrate_cli.recalibrate,
        run_cli.simulate,
    ),
    LOOK: (
        look_cli.status,
        look_cli.report,
        open_cli.open_,
        explain_cli.explain,
        hedge_cli.positions,
        hedge_cli.ledger,
        revisions_cli.revisions,
        look_cli.tables,
        look_cli.query,
    ),
    AUDIT: (audit_cli.audit, sweeps.sweep),
    KEEP: (
        keep_cli.doctor,
        keep_cli.backup,
        keep_cli.verify,
        keep_cli.rebuild,
        keep_cli.upgrades,
        keep_cli.prune,
        export_cli.export,
    ),
}.items():
    for command in commands:
        app.command(command.__name__.rstrip("_"), rich_help_panel=panel)(command)
app.add_typer(policy_cli.policy_app, name="policy", rich_help_panel=RULES)
app.add_typer(book_cli.book_app, name="book", rich_help_panel=RULES)


def main() -> None:
    """Run the command line."""
    run_app(app)
