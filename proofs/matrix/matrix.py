"""All cells of the matrix, in parallel: proofs a generation at a time, then a search for each row that has none."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from typing import Any

from proofs.matrix.cells import Cell, proofs_of
from proofs.matrix.rows import rows
from proofs.matrix.searches import searched_together, together

Progress = Callable[[int, int], None]


def matrix(semantics: list[str], ids: list[str], jobs: int, progress: Progress = lambda _done, _of: None) -> list[Cell]:
    """Every cell of these properties, by generation in the order given and by row.

    A row with conditions is there only where the same without them does not hold.
    """
    cells: list[Cell] = []
    with ProcessPoolExecutor(jobs) as pool:
        waiting: set[Future[Any]] = {pool.submit(proofs_of, name, ids) for name in semantics}
        submitted, done = len(waiting), 0
        while waiting:
            ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in ended:
                done += 1
                result = future.result()
                if isinstance(result, list):
                    cells += result
                    continue
                proved, left = result
                cells += proved
                groups = together(left)
                waiting |= {pool.submit(searched_together, group) for group in groups}
                submitted += len(groups)
            progress(done, submitted)
    order = {row: number for number, row in enumerate(rows())}
    return sorted(cells, key=lambda cell: (semantics.index(cell.semantics), order[cell.row]))
