"""All cells of the matrix, in parallel: proofs a generation at a time, then a search for each row that has none."""

from collections.abc import Callable
from functools import partial

from model.properties import PROPERTIES
from proofs.interrupts import interrupts_noted
from proofs.matrix.cells import CellVerdict, UnprovedRow, proofs_of
from proofs.matrix.other_rows import OTHER_ROWS, matrix_ids
from proofs.matrix.reused import ReusedProofs
from proofs.matrix.rows import MatrixRow, rows
from proofs.matrix.searches import searched_together, together
from proofs.matrix.stored import look_up, store
from proofs.parallel import in_processes, tell
from proofs.prover.pool import prepare
from proofs.stored import DamagedFileError

Progress = Callable[[int, int], None]


class InterruptedMatrix(KeyboardInterrupt):
    """Ctrl-C, with the cells that were judged until then."""

    def __init__(self, cells: list[CellVerdict]) -> None:
        super().__init__()
        self.cells = cells


def matrix(
    semantics: list[str],
    ids: list[str],
    jobs: int,
    progress: Progress = lambda _done, _of: None,
    cache: str = "",
) -> list[CellVerdict]:
    """Every cell of these properties, by generation in the order given and by row.

    A row with conditions is there only where the same without them does not hold.

    :param cache: a folder of stored cells, read and written; without one nothing is
    :raises InterruptedMatrix: Ctrl-C; what runs is ended first
    """
    known = {name: found for name in semantics if cache and (found := _stored(cache, name)) is not None}
    cells = [cell for found in known.values() for cell in found if id_of(cell.row) in ids]
    todo = [name for name in semantics if name not in known]
    whole = _judge(cells, todo, ids, jobs, progress, cache if set(matrix_ids()) <= set(ids) else "") if todo else True
    order = {row: number for number, row in enumerate(rows())}
    cells.sort(key=lambda cell: (semantics.index(cell.semantics), order[cell.row]))
    if not whole:
        raise InterruptedMatrix(cells)
    return cells


def _stored(cache: str, name: str) -> list[CellVerdict] | None:
    """What is stored of a generation; of a damaged file it is said that it counts as absent."""
    try:
        return look_up(cache, name)
    except DamagedFileError:
        tell(f"the stored verdicts of {name} could not be read: they are judged again")
        return None


def _keep(cache: str, name: str, cells: list[CellVerdict]) -> None:
    """Store a generation. A full disk costs time on the next run, not a verdict of this one."""
    try:
        store(cache, name, cells)
    except OSError as error:
        tell(f"the verdicts of {name} are not stored: {error.strerror or error}")


def id_of(row: MatrixRow) -> str:
    """The property that a row is about a part of."""
    return OTHER_ROWS[row.part].id if row.part in OTHER_ROWS else PROPERTIES[row.part].id


def _judge(
    cells: list[CellVerdict], semantics: list[str], ids: list[str], jobs: int, progress: Progress, cache: str
) -> bool:
    """Proofs first, then the searches; whether all were made. A generation is stored as soon as it is complete."""
    groups: list[list[UnprovedRow]] = []
    done = 0
    for _, (proved, left) in in_processes(partial(_proofs, ids=ids), semantics, jobs, prepare=prepare):
        cells += proved
        groups += together(left)
        done += 1
        progress(done, len(semantics) + len(groups))
    if done < len(semantics):
        return False
    waiting = {name: sum(group[0].semantics == name for group in groups) for name in semantics}
    for number, found in in_processes(_searched, groups, jobs, prepare=prepare) if groups else ():
        cells += found
        name = groups[number][0].semantics
        waiting[name] -= 1
        if cache and not waiting[name]:
            _keep(cache, name, [cell for cell in cells if cell.semantics == name])
        done += 1
        progress(done, len(semantics) + len(groups))
    return done == len(semantics) + len(groups)


def _proofs(semantics: str, ids: list[str]) -> tuple[list[CellVerdict], list[UnprovedRow]]:
    with interrupts_noted():
        return proofs_of(semantics, ids, ReusedProofs())


def _searched(group: list[UnprovedRow]) -> list[CellVerdict]:
    with interrupts_noted():
        return searched_together(group)
