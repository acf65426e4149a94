"""No attack earns more than an honest wrong answer, carries anything out, or harms another exercise or student.

Attacks that run against the walls of a level are tried at each one that this machine gives, the others at the best.
"""

import re

import psutil
import pytest

from helpers.exercises.judge import RIGHT
from vitlab.attacks.attack import Range, entry_of, read_attacks
from vitlab.attacks.caught import caught_by
from vitlab.attacks.files import attempt, read_file_attacks
from vitlab.attacks.notebook import code, markdown, notebook
from vitlab.grading.batch import run_batch
from vitlab.grading.levels import LEVELS, NO_ISOLATION, possible_levels
from vitlab.project import find_project

FOLDER = find_project() / "tests" / "attacks"
ATTACKS, FILES = read_attacks(FOLDER), read_file_attacks(FOLDER)
POSSIBLE = [level for level in LEVELS if possible_levels()[level.name] is None]
TRIALS = [(level, attack) for level in POSSIBLE for attack in ATTACKS if attack.walls or level is POSSIBLE[0]]
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'>"
CODES = "\x1b[2J\x1b]0;owned\x07"

pytestmark = pytest.mark.skipif(not POSSIBLE, reason=f"no isolation here: {possible_levels()}")


@pytest.fixture(scope="module")
def ranges():
    """The range of a level, opened when the first attack at it comes."""
    opened = {}

    def at(level):
        if level not in opened:
            opened[level] = Range(level).__enter__()
        return opened[level]

    yield at
    for grounds in opened.values():
        grounds.__exit__()


@pytest.mark.parametrize(
    ("level", "attack"), TRIALS, ids=[f"{level.name}: {attack.group}: {attack.name}" for level, attack in TRIALS]
)
def test_an_attack_gains_nothing_and_harms_nobody(ranges, level, attack):
    outcome = ranges(level).attempt(attack)
    assert outcome.complaint is None


@pytest.mark.parametrize("attack", FILES, ids=lambda attack: attack.name)
def test_a_hand_in_that_is_none_earns_nothing_and_the_batch_goes_on(ranges, attack):
    outcome = attempt(attack, ranges(POSSIBLE[0]))
    assert outcome.complaint is None


@pytest.mark.parametrize("name", ["reads a secret in the home folder", "reads another's notebook"])
def test_without_walls_the_same_attack_is_seen_to_succeed(name):
    [attack] = [attack for attack in ATTACKS if attack.name == name]
    with Range(NO_ISOLATION) as grounds:
        assert "a secret stands in the record" in grounds.attempt(attack).complaint


def test_an_answer_that_is_right_is_seen_as_a_gain(ranges):
    [attack] = [attack for attack in ATTACKS if attack.name == "always backwards"]
    right = type(attack)(**{**vars(attack), "cell": "def inverse_permutation(order):\n    return order.argsort()\n"})
    assert "earned" in ranges(POSSIBLE[0]).attempt(right).complaint


def test_a_report_that_tells_hidden_inputs_is_seen(ranges, monkeypatch):
    [attack] = [attack for attack in ATTACKS if attack.name == "as a message"]
    grounds = ranges(POSSIBLE[0])
    monkeypatch.setattr(grounds.grader, "_in_public", lambda item, submission, until, verdict: verdict)
    assert "tells of hidden inputs" in grounds.attempt(attack).complaint


@pytest.mark.parametrize(
    "carry",
    {
        "as a message": "raise RuntimeError(text)",
        "as the name of a class": "raise type(text, (Exception,), {})",
        "as the shape": "return torch.zeros([ord(letter) for letter in text[:7]] + [0])",
        "as the value": "return torch.tensor([[ord(letter) for letter in text] for _ in x]).double()",
    }.items(),
    ids=lambda carry: carry[0],
)
def test_the_source_of_the_pieces_that_a_child_is_given_stays_in_it(ranges, carry):
    """Where an earlier answer is missing, a child gets the course's own: its words may not tell of them."""
    answer = """
import linecache, torch
class ViT(torch.nn.Module):
    def __init__(self, *sizes):
        super().__init__()
        found = ["".join(entry[2]) for name, entry in linecache.cache.items() if "the course's" in name]
        if not found:
            raise NotImplementedError
        text = found[0][found[0].index("class PatchEmbed"):]
        CARRY
    def load_state_dict(self, *state, **options): pass
    def state_dict(self): return type("Any", (dict,), {"__contains__": lambda *a: True, "__getitem__": lambda *a: 0})()
"""
    done = carry[1] if carry[1].startswith("raise") else f"type(self).__call__ = lambda self, x: {carry[1][7:]}"
    grader = ranges(POSSIBLE[0]).grader
    record = grader.grade("x", [("x.ipynb", notebook(code(answer.replace("CARRY", done), "ViT")))])
    entry = entry_of(record, "ViT")
    assert entry["verdict"] in ("wrong", "crashed")
    assert entry["given"] == ["PatchEmbed", "EncoderBlock"]
    assert "PatchEmbed" in entry["message"]
    assert not entry["facts"]
    assert not re.search(r"class PatchEmbed|108, 97|\b99, 108|nn.Conv2d", str(record))


def test_what_a_student_can_make_long_is_cut(ranges):
    long = "q" * 20_000
    for answer in (
        "import torch\ndef inverse_permutation(order):\n    return torch.zeros([1] * 100_000, dtype=torch.int64)",
        f"def inverse_permutation({long}):\n    global {long[:9_000]}, {long}\n",
    ):
        record = ranges(POSSIBLE[0]).grader.grade("x", [("x.ipynb", notebook(code(answer, "inverse_permutation")))])
        assert len(str(entry_of(record, "inverse_permutation"))) < 10_000


def test_each_attack_has_a_name_of_its_own_and_no_class_is_empty():
    names = [(attack.group, attack.name) for attack in [*ATTACKS, *FILES]]
    assert len(set(names)) == len(names) >= 60
    assert len({group for group, _ in names}) == 12


def test_the_layer_that_caught_is_read_off_the_report():
    assert caught_by("crashed", "PermissionError: [Errno 1] Operation not permitted", ("seccomp",)) == "seccomp"
    assert caught_by("crashed", "PermissionError: [Errno 1] Operation not permitted", ()) == "no privilege"
    assert caught_by("wrong", "The result has shape (1,)") == "compared outside"


def test_what_a_student_writes_is_harmless_in_every_report(tmp_path, capfd):
    submissions, grades = tmp_path / "submissions", tmp_path / "grades"
    for name in (f"=cmd|'{CODES}'!A1", "<img src=x onerror=alert(1)>", "@SUM(1)", "[red]anna[/red]", f"zoe{CODES}"):
        cells = (
            code(f"def inverse_permutation(order):\n    raise ValueError({MARKUP + CODES!r})  # {MARKUP}", "c1"),
            code(f"def scan_order(rows, cols, kind):\n    return type({MARKUP!r}, (), {{}})()", "c2"),
            code(f"permuted_scores = {'=1+1' + MARKUP!r}", "c3"),
            markdown(f"# {MARKUP}\n[x](javascript:alert(1))\n=1+1{CODES}\u202e", "why_order_is_free"),
        )
        folder = submissions / name.replace("/", "_")
        folder.mkdir(parents=True)
        (folder / f"02 {name.replace('/', '_')}.ipynb").write_bytes(notebook(*cells))
        (folder / f"03 {name.replace('/', '_')}.ipynb").write_bytes(b"no notebook")
    run_batch(submissions, grades, root=find_project(), seed="reports", lessons=("02",), jobs=1)
    written = [path for path in grades.rglob("*") if path.is_file()]
    assert {".html", ".csv", ".json"} <= {path.suffix for path in written}
    for path in written:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", text), path
        if path.suffix == ".html":
            assert not re.search(r"<img[^>]*onerror|<script>alert|href=.?javascript", text), path
        if path.suffix == ".csv":
            assert not re.search(r'(?:^|,)"?[=+@-]', text, re.MULTILINE), path
        assert not re.search(r"[^A-Za-z0-9_.-]", path.name), path.name
    out = capfd.readouterr()
    assert "\x1b]0;owned" not in out.out + out.err
    assert "\x1b[2J" not in out.out + out.err


def test_a_zygote_that_is_gone_costs_no_answer():
    data = notebook(code("def inverse_permutation(order):\n    return order.argsort()", "inverse_permutation"))
    with Range(POSSIBLE[0]) as grounds:
        psutil.Process(grounds.grader.worker.pid).kill()
        record = grounds.grader.grade("anna", [("a.ipynb", data)])
    assert entry_of(record, "inverse_permutation")["verdict"] == RIGHT
