"""Rules from a file: what is accepted, what is refused with which line, and that every verb and process knows them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import click
import pytest

from model.named import GENERATIONS
from proofs import rules, stored
from proofs.cli.main import claimcheck
from proofs.parallel import in_processes
from proofs.rules import LOADED, RulesError, error_in_rules
from proofs.rules.loading import forget, load
from reference.generations import GENERATIONS as OF_REFERENCE
from tests.command import RunOutput, run_here
from tests.review.files import REVIEWS, RIGHT, forgotten, known, written

CLAIMCHECK = [str(Path(sys.executable).parent / "claimcheck")]


def call(*arguments: str) -> RunOutput:
    """The command, after which the rules that it loads are not known any more."""
    with forgotten():
        return run_here(*arguments)


def started(*arguments: str) -> RunOutput:
    """The command as a process of its own."""
    done = subprocess.run([*CLAIMCHECK, *arguments], capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stderr, done.stderr
    return RunOutput(done.returncode, done.stdout, done.stderr)


def test_loaded_rules_are_known_by_name(tmp_path: Path) -> None:
    with known(written(tmp_path, RIGHT)) as found:
        assert (found.name, found.base) == ("mine", "claim-sets")
        assert GENERATIONS["mine"].follows == ("claim-sets",)
        assert OF_REFERENCE["mine"].name == "mine"
        assert list(GENERATIONS)[-1] == "mine"
    assert "mine" not in GENERATIONS
    assert "mine" not in OF_REFERENCE


@pytest.mark.parametrize("path", sorted(REVIEWS.glob("*.py")), ids=lambda path: path.stem)
def test_every_reviewed_file_loads(path: Path) -> None:
    with known(path) as found:
        assert (found.name, found.base) == (path.stem, "claim-sets")


BROKEN = {
    "no Python": (RIGHT.replace("class Mine(", "class Mine(("), 7, "SyntaxError"),
    "a wrong name": (RIGHT.replace("import CLAIM_SETS", "import CLAIM_SET"), 3, "ImportError: cannot import name"),
    "an exception": (RIGHT + "\n1 / 0\n", 13, "ZeroDivisionError: division by zero"),
    "an end": (RIGHT + "\nraise SystemExit(0)\n", 13, "SystemExit: 0"),
    "an unknown rule": (
        RIGHT.replace('name="mine"', 'name="mine", redeam=1'),
        11,
        "unexpected keyword argument 'redeam'",
    ),
    "no class": (RIGHT.replace('    name = "mine"\n', "    pass\n"), 1, "no half for the reference"),
    "no value": (RIGHT.partition("MODEL")[0], 7, "no half for the model of 'mine'"),
    "two classes": (RIGHT + '\n\nclass Other(ClaimSets):\n    name = "other"\n', 14, "one generation per file"),
    "two values": (RIGHT + "\nOTHER = replace(MODEL)\n", 7, "one generation per file"),
    "other names": (RIGHT.replace('name="mine"', 'name="mind"'), 7, "is named 'mine', the model's 'mind'"),
    "a name that is taken": (RIGHT.replace('"mine"', '"per-node-v8"'), 7, "there is a generation 'per-node-v8'"),
    "a name with a part": (RIGHT.replace('"mine"', '"a+marks-kept"'), 7, "only lower-case letters"),
    "no name": (RIGHT.replace('"mine"', "7"), 7, "the name 7"),
    "a rule that is none": (
        RIGHT.replace('name = "mine"\n', 'name = "mine"\n\n    def redem(self): ...\n'),
        10,
        "`redem` overrides no rule; did you mean `redeem`?",
    ),
    "other arguments": (
        RIGHT.replace('name = "mine"\n', 'name = "mine"\n\n    def redeem(self, host, pages): ...\n'),
        10,
        "`redeem` takes (self, host, pages), and has to take (self, host",
    ),
    "a value for a method": (
        RIGHT.replace('name = "mine"\n', 'name = "mine"\n    redeem = 7\n'),
        7,
        "`redeem` is a method",
    ),
    "a value of another kind": (
        RIGHT.replace('name = "mine"\n', 'name = "mine"\n    stashes = "no"\n'),
        7,
        "`stashes` is 'no', and has to be a bool",
    ),
    "a rule of the model of another kind": (
        RIGHT.replace('name="mine"', 'name="mine", replaces=0'),
        11,
        "rules: replaces is 0, and has to be a bool",
    ),
    "a rule of the model that is no function": (
        RIGHT.replace('name="mine"', 'name="mine", redeem=True'),
        11,
        "rules: redeem is True, and has to be a function",
    ),
    "other arguments in the model": (
        RIGHT.replace('name="mine"', 'name="mine", redeem=lambda h, s: None'),
        11,
        "`redeem` takes (h, s), and has to take (h: ",
    ),
    "a transition that is none": (
        RIGHT.replace("MODEL = replace(CLAIM_SETS,", 'MODEL = replace(CLAIM_SETS, transitions=("free_stas",),'),
        11,
        "no transition 'free_stas'; did you mean `free_stash`?",
    ),
    "a class that cannot be called": (
        RIGHT.replace('name = "mine"\n', 'name = "mine"\n\n    def __init__(self, more): ...\n'),
        7,
        "Mine(): TypeError",
    ),
    "a class without a base": (
        RIGHT.replace("class Mine(ClaimSets)", "class Mine(ClaimSets.__base__)").replace(
            "MODEL = replace(CLAIM_SETS,", "MODEL = replace(CLAIM_SETS, follows=(),"
        ),
        7,
        "Mine is derived from no generation",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_file_is_refused_with_its_line(what: str, tmp_path: Path) -> None:
    text, line, why = BROKEN[what]
    path = written(tmp_path, text)
    before = set(GENERATIONS), set(OF_REFERENCE), dict(LOADED)
    with pytest.raises(RulesError) as wrong:
        load(path)
    assert str(wrong.value).startswith(f"{path}:{line}: ")
    assert why in str(wrong.value)
    assert "\n" not in str(wrong.value)
    assert (set(GENERATIONS), set(OF_REFERENCE), dict(LOADED)) == before


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rules.py"
    path.write_bytes(b"# fine\n# \xff\n")
    with pytest.raises(RulesError, match=rf"{path}:2: not UTF-8"):
        load(str(path))
    for wrong, why in ((tmp_path, "Is a directory"), (tmp_path / "none.py", "No such file")):
        with pytest.raises(RulesError, match=why):
            load(str(wrong))
    path.write_bytes(b"\0")
    with pytest.raises(RulesError, match="null bytes"):
        load(str(path))


def test_two_files_may_be_loaded_together(tmp_path: Path) -> None:
    second = RIGHT.replace('"mine"', '"yours"')
    with known(written(tmp_path, RIGHT)), known(written(tmp_path, second, "b.py")) as found:
        assert {"mine", "yours"} <= set(GENERATIONS)
        assert found.base == "claim-sets"


@pytest.mark.parametrize("verb", ["prove", "diff", "review"])
def test_wrong_file_is_one_line_and_exit_2(verb: str, tmp_path: Path) -> None:
    path = written(tmp_path, RIGHT.partition("MODEL")[0])
    given = [path] if verb == "review" else ["--rules", path]
    code, out, err = call(verb, *given)
    assert (code, out) == (2, "")
    assert err == f"claimcheck: {path}:7: no half for the model of 'mine': MODEL = replace(CLAIM_SETS, ...)\n"


def named(item: int) -> list[str]:
    """In another process."""
    return [name for name in (*GENERATIONS, *OF_REFERENCE) if name == "mine"]


@pytest.mark.parametrize("apart", [False, True])
def test_other_processes_know_loaded_rules(apart: bool, tmp_path: Path) -> None:
    path = written(tmp_path, RIGHT)
    with known(path):
        Path(path).unlink()  # they get the text
        assert dict(in_processes(named, [0], 1, each_apart=apart)) == {0: ["mine", "mine"]}


def test_foreign_executor_knows_loaded_rules(tmp_path: Path) -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as others, known(written(tmp_path, RIGHT)):
        assert dict(in_processes(named, [0], 1, executor=others)) == {0: ["mine", "mine"]}


def test_stored_results_depend_on_the_text_of_rules(tmp_path: Path) -> None:
    with known(written(tmp_path, RIGHT)):
        stored.store(tmp_path, "mine", 1)
        stored.store(tmp_path, "claim-sets", 2)
        assert stored.look_up(tmp_path, "mine", int) is not None
    with known(written(tmp_path, RIGHT + "\n# a comment\n")):
        assert stored.look_up(tmp_path, "mine", int) is None
        assert stored.look_up(tmp_path, "claim-sets", int) is not None


def failing(item: int) -> None:
    OF_REFERENCE["mine"].pages_held(None)  # type: ignore[arg-type]


@pytest.fixture
def raising(tmp_path: Path) -> Iterator[str]:
    text = RIGHT.replace(
        'name = "mine"\n', 'name = "mine"\n\n    def pages_held(self, domain):\n        return domain.no_such\n'
    )
    with known(written(tmp_path, text)) as found:
        yield found.file.path


def test_exception_in_a_rule_is_located_here(raising: str) -> None:
    with pytest.raises(AttributeError) as wrong:
        failing(0)
    assert str(error_in_rules(wrong.value)).startswith(f"{raising}:11: AttributeError: 'NoneType' object has no")
    assert error_in_rules(ValueError("x")) is None


def test_exception_in_a_rule_is_located_elsewhere(raising: str) -> None:
    with pytest.raises(AttributeError) as wrong:
        list(in_processes(failing, [0], 1))
    assert str(error_in_rules(wrong.value)).startswith(f"{raising}:11: AttributeError")


def test_exception_in_a_rule_ends_a_command_with_2(tmp_path: Path) -> None:
    text = RIGHT.replace(
        'name = "mine"\n',
        'name = "mine"\n\n    def request_permitted(self, host, request):\n        return request.no_such\n',
    )
    path = written(tmp_path, text)
    why = f"{path}:11: AttributeError: 'Request' object has no attribute 'no_such'"
    ended = started("generations", "--no-verdicts", "claim-sets", "mine", "--rules", path)
    assert (ended.code, ended.err) == (2, f"claimcheck: {why}\n")
    code, out, _ = call("diff", "--rules", path, "--shape", "1x1", "--operation", "alloc_heap_pages", "--jobs", "1")
    assert code == 3
    assert why in out


def test_every_verb_takes_rules() -> None:
    def commands(command: click.Command) -> Iterator[click.Command]:
        if isinstance(command, click.Group):
            for sub in command.commands.values():
                yield from commands(sub)
        else:
            yield command

    context = click.Context(claimcheck)
    for verb in claimcheck.list_commands(context):
        found = claimcheck.get_command(context, verb)
        assert found is not None
        for command in commands(found):
            assert sum(param.opts == ["--rules"] for param in command.params) == 1, verb


def test_shells_complete_names_of_own_rules(tmp_path: Path) -> None:
    path = written(tmp_path, RIGHT)
    context = click.Context(claimcheck)
    command = claimcheck.get_command(context, "search")
    assert command is not None
    with known(path):
        pass
    try:
        made = command.make_context("search", ["--rules", path], parent=context, resilient_parsing=True)
        (option,) = [param for param in command.params if param.name == "semantics"]
        assert [item.value for item in option.shell_complete(made, "mi")] == ["mine"]
    finally:
        forget("mine")
    command.make_context("search", ["--property", "node-backed", "--rules", path], parent=context)
    assert "mine" not in GENERATIONS


REDEEM = str(REVIEWS / "redeem-host-wide-first.py")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(
            ["search", "--property", "node-backed"], 1, "node-backed: refuted in 3 events", marks=pytest.mark.long
        ),
        (["diff", "--shape", "1x1", "--operation", "alloc_heap_pages"], 0, "1 proved on 1x1"),
        (["generations", "claim-sets", "redeem-host-wide-first", "--no-verdicts"], 0, "d0 claims: [0] / [1]"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_verbs_run_with_rules_from_a_file(arguments: list[str], code: int, said: str) -> None:
    found, out, err = call(*arguments, "--rules", REDEEM)
    assert (found, err) == (code, "")
    assert said in out


def test_recorded_trace_of_own_rules_replays(tmp_path: Path) -> None:
    text = Path("tests/data/examples/redeem.jsonl").read_text().replace('"claim-sets"', '"mine"')
    trace, path = written(tmp_path, text, "trace.jsonl"), written(tmp_path, RIGHT)
    assert call("replay", "--rules", path, trace)[0] == 0
    assert "unknown semantics" in call("replay", trace)[2] or call("replay", trace)[0] == 2


def test_digest_is_of_the_rules_that_a_key_names(tmp_path: Path) -> None:
    with known(written(tmp_path, RIGHT)):
        assert rules.digest_of("claim-sets/node-backed") == ""
        assert rules.digest_of("mine/node-backed") != ""
