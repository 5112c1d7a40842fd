"""What `ape run gas` does."""

import sys
from typing import Any, Final

from ballast import compiled
from ballast.console import console, emit_json, exact_json, one_line_errors, out
from ballast.environment import ROOT
from ballast.gas import show, snapshot
from ballast.gas.chain import own_chain
from ballast.gas.snapshot import Measurement
from ballast.gas.targets import targets

#: everything measured, for other programs
RESULT: Final = ROOT / "build" / "gas.json"
#: exit code when something costs more than the snapshot has
GREW: Final = 3


@one_line_errors
def run(*, write: bool, as_json: bool) -> None:
    """Measure, show, and compare with the snapshot or write it anew."""
    kept = None if write else snapshot.read()
    with console.status("compiling") as status:
        compiled.ensure()
        with own_chain() as chain:
            measured = Measurement.of(chain, progress=lambda text: status.update(f"measuring {text}"))
    changes = snapshot.compare(kept, measured) if kept else []
    result: dict[str, Any] = {
        **measured.as_dict(),
        "targets": [
            {"id": each.id, "what": each.what, "got": each.got, "below": each.below, "met": each.met}
            for each in targets(measured)
        ],
        "changes": [
            {"subject": each.subject, "row": each.row, "was": each.was, "now": each.now, "grew": each.grew}
            for each in changes
        ],
    }
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(exact_json(result, indent=2) + "\n")
    if write:
        snapshot.write(measured)
        show.DOCS.write_text(show.page(measured))
    if as_json:
        emit_json(result, indent=2)
    else:
        for table in show.tables(measured):
            out.print(table)
    grew = [each for each in changes if each.grew]
    for each in changes:
        console.print(f"{'[red]grew[/red]' if each.grew else '[green]shrank[/green]'}: {each}", highlight=False)
    if write:
        console.print("written: tests/gas/snapshot.json, docs/gas.md", highlight=False)
    elif changes:
        console.print(f"not as in the snapshot; when that is meant, `{snapshot.RENEW}` renews it", highlight=False)
    if grew:
        sys.exit(GREW)
