"""Turns the statements of a function into a list of instructions with jumps."""

from __future__ import annotations

from typing import Any

from .expressions_compiled import condition, unused, value
from .initialising import initialised
from .machine import InstructionList, Machine
from .memory import UNSET, UnsupportedError, made
from .tree import Function, SyntaxTree


def compiled(machine: Machine, function: Function) -> InstructionList:
    """The instructions of a function."""
    return block(machine, function.body)


def block(machine: Machine, body: SyntaxTree) -> InstructionList:
    """The instructions of statements."""
    writer = _StatementWriter(machine)
    writer.write(body)
    return writer.finished()


class _StatementWriter:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.out: list[list[Any]] = []
        self.breaks: list[list[list[Any]]] = []
        """For each loop or switch around, the jumps to its end."""
        self.continues: list[list[list[Any]]] = []
        self.cases: list[list[tuple[int, int, int]]] = []
        self.defaults: list[int | None] = []
        self.labels: dict[str, int] = {}
        self.gotos: list[tuple[list[Any], str]] = []

    def finished(self) -> InstructionList:
        for jump, label in self.gotos:
            if label in self.labels:
                jump[1] = self.labels[label]
        made_program = InstructionList()
        made_program.instructions = [tuple(one) for one in self.out]
        return made_program

    def write(self, tree: SyntaxTree | None) -> None:
        if tree is not None:
            getattr(self, f"_{tree.kind}", self._unsupported)(tree)

    def _do(self, tree: SyntaxTree) -> None:
        body, test = tree.parts
        start = len(self.out)
        self._begin_loop()
        self.write(body)
        self._land(self.continues.pop())
        self._unless(test, start, inverted=True)
        self._land(self.breaks.pop())

    def _add(self, *operation: Any) -> list[Any]:
        self.out.append(list(operation))
        return self.out[-1]

    def _land(self, jumps: list[list[Any]]) -> None:
        """These jumps end here."""
        for jump in jumps:
            jump[-1 if jump[0] == "unless" else 1] = len(self.out)

    def _jump(self, tree: SyntaxTree, to: int = -1) -> list[Any]:
        return self._add("jump", to, tree.place)

    def _unless(self, test: SyntaxTree | None, to: int = -1, inverted: bool = False) -> list[Any]:
        assert test is not None
        holds = condition(self.machine, test)
        if inverted:
            return self._add("unless", lambda frame: not holds(frame), to)
        return self._add("unless", holds, to)

    def _begin_loop(self) -> None:
        self.breaks.append([])
        self.continues.append([])

    # -- statements

    def _unsupported(self, tree: SyntaxTree) -> None:
        def refuse(_frame: Any) -> None:
            raise UnsupportedError(str(tree.value or tree.kind), tree.place)

        self._add("do", refuse)

    def _expression(self, tree: SyntaxTree) -> None:
        (inner,) = tree.parts
        assert inner is not None
        self._add("do", unused(self.machine, inner))

    def _declare(self, tree: SyntaxTree) -> None:
        variable = tree.value
        if variable.is_global:
            return
        begin = None if variable.initial is None else initialised(self.machine, None, variable.initial)

        def declare(frame: Any) -> None:
            target = frame[variable.key] = made(variable.type, UNSET, variable.name)
            if begin is not None:
                begin(frame, target)

        self._add("do", declare)

    def _sequence(self, tree: SyntaxTree) -> None:
        for part in tree.parts:
            self.write(part)

    def _empty(self, tree: SyntaxTree) -> None:
        pass

    def _if(self, tree: SyntaxTree) -> None:
        test, then, otherwise = tree.parts
        skip = self._unless(test)
        self.write(then)
        if otherwise is not None:
            end = self._jump(tree)
            self._land([skip])
            self.write(otherwise)
            self._land([end])
        else:
            self._land([skip])

    def _while(self, tree: SyntaxTree) -> None:
        test, body = tree.parts
        start = len(self.out)
        leave = self._unless(test)
        self._begin_loop()
        self.write(body)
        self._land(self.continues.pop())
        self._jump(tree, start)
        self._land([leave, *self.breaks.pop()])

    def _for(self, tree: SyntaxTree) -> None:
        first, test, step, body = tree.parts
        self.write(first)
        start = len(self.out)
        leave = [] if test is None else [self._unless(test)]
        self._begin_loop()
        self.write(body)
        self._land(self.continues.pop())
        if step is not None:
            self._add("do", value(self.machine, step))
        self._jump(tree, start)
        self._land([*leave, *self.breaks.pop()])

    def _break(self, tree: SyntaxTree) -> None:
        self.breaks[-1].append(self._jump(tree))

    def _continue(self, tree: SyntaxTree) -> None:
        self.continues[-1].append(self._jump(tree))

    def _return(self, tree: SyntaxTree) -> None:
        self._add("return", value(self.machine, tree.parts[0]) if tree.parts and tree.parts[0] else None)

    def _goto(self, tree: SyntaxTree) -> None:
        jump = self._jump(tree)
        self.gotos.append((jump, tree.value))

    def _label(self, tree: SyntaxTree) -> None:
        self.labels[tree.value] = len(self.out)
        self._sequence(tree)

    def _switch(self, tree: SyntaxTree) -> None:
        test, body = tree.parts
        assert test is not None
        switch = self._add("switch", value(self.machine, test), [], -1, tree.place)
        self.breaks.append([])
        self.cases.append([])
        self.defaults.append(None)
        self.write(body)
        self._land(self.breaks.pop())
        otherwise = self.defaults.pop()
        switch[2], switch[3] = self.cases.pop(), len(self.out) if otherwise is None else otherwise

    def _case(self, tree: SyntaxTree) -> None:
        self.cases[-1].append((*tree.value, len(self.out)))
        self._sequence(tree)

    def _default(self, tree: SyntaxTree) -> None:
        self.defaults[-1] = len(self.out)
        self._sequence(tree)
