"""Lines that hold under some conventions only are kept or dropped; a condition that is not clear stops the build."""

import pytest

from helpers.models.conventions import STANDARD, Conventions
from vitlab.course.conditions import keep
from vitlab.course.errors import BuildError
from vitlab.course.leaks import read_secrets
from vitlab.course.parse import parse

LAST = Conventions(class_token="last")
TWO = "x = join(c, x)  ### class_token: first\nx = join(x, c)  ### class_token: last"


class Refused(Exception):
    pass


def fail(row, message):
    raise Refused(f"{row}: {message}")


def text(source, conventions, code=True):
    return "\n".join(line for _, line in keep(source, conventions, fail, code).lines)


def test_a_line_is_kept_where_its_condition_holds_and_loses_the_condition():
    assert text(TWO, STANDARD) == "x = join(c, x)"
    assert text(TWO, LAST) == "x = join(x, c)"


def test_a_line_without_condition_is_always_kept_as_it_is():
    assert text("a = 1  # why ###\nb = 2", LAST) == "a = 1  # why ###\nb = 2"


def test_a_comment_before_the_condition_stays():
    assert text("a = 1  # one  ### masked: 1\na = 0  ### masked: 0", STANDARD) == "a = 1  # one"


def test_a_condition_alone_on_its_line_speaks_of_the_next_one():
    source = "    ### masked: 1\n    a = 1\n    ### masked: 0\n    a = 0\nb = 2"
    assert text(source, Conventions(masked=0)) == "    a = 0\nb = 2"


def test_several_conventions_have_to_hold_together():
    source = "\n".join(
        f"a = {s!r}, {p!r}  ### sequence: {s}, patch: {p}"
        for s in ("row-major", "column-major")
        for p in ("channel-first", "channel-last")
    )
    assert text(source, Conventions("column-major", "channel-first")) == "a = 'column-major', 'channel-first'"


def test_kept_lines_know_their_rows_and_the_cell_its_conventions():
    kept = keep(f"a = 1\n{TWO}", LAST, fail)
    assert [row for row, _ in kept.lines] == [0, 2]
    assert kept.varied == ("class_token",)


def test_a_heading_in_markdown_is_no_condition_and_a_line_may_carry_one():
    assert text("### note: this", STANDARD, code=False) == "### note: this"
    assert text("0 1  ### masked: 1\n1 0  ### masked: 0", Conventions(masked=0), code=False) == "1 0"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("a = 1\nb = 2  ### order: first", "1: 'order' is no convention"),
        ("a = 1  ### class_token: middle", "0: class_token is first or last, never 'middle'"),
        ("a = 1  ### masked: True", "0: masked is 1 or 0"),
        ("a = 1  ### masked: 1, masked: 0", "0: masked twice"),
        ("\na = 1  ### masked: 1\nb = 2", "1: no line stands here for masked: 0"),
        ("a = 1  ### masked: 1\n\na = 0  ### masked: 0", "0: no line stands here for masked: 0"),
        (
            "a = 1  ### masked: 1, patch: channel-first\na = 2  ### masked: 0",
            "0: no line stands here for patch: channel-last",
        ),
        ("    ### masked: 1\n", "0: a condition alone on its line"),
        ("### masked: 1\n### masked: 0\na = 1", "1: a condition alone on its line"),
    ],
)
def test_a_condition_that_is_not_clear_is_refused_with_its_row(source, said):
    with pytest.raises(Refused) as refusal:
        keep(source, STANDARD, fail)
    assert str(refusal.value).startswith(said)


def test_a_build_error_names_the_line_in_the_file(tmp_path):
    path = tmp_path / "01_broken.py"
    path.write_text("# %% [markdown]\n# # A lesson\n\n# %%\na = 1\nb = 2  ### class_token: lost\n", encoding="utf-8")
    with pytest.raises(BuildError, match=r"01_broken\.py:6: class_token is first or last"):
        parse(path, find=dict.__getitem__, words={})


def test_a_line_after_dropped_ones_is_still_named_by_its_own_number(tmp_path):
    path = tmp_path / "01_broken.py"
    two = TWO.replace("\n", "\n    ")
    path.write_text(f"# %% [markdown]\n# # A lesson\n\n# %%\nif c:\n    {two}\nx = = 1\n", encoding="utf-8")
    with pytest.raises(BuildError, match=r":8: this cell is not Python"):
        parse(path, find=dict.__getitem__, words={}, conventions=LAST)


def test_dropped_lines_are_secrets_wherever_they_stand(tmp_path):
    path = tmp_path / "01_sample.py"
    path.write_text(
        "# %% [markdown]\n# # A lesson\n# 0 1  ### masked: 1\n# 1 0  ### masked: 0\n\n# %%\n"
        "### BEGIN SOLUTION\na = one()  ### masked: 1\na = zero()  ### masked: 0\n### STUB\n"
        "# a = ...  ### masked: 1\n# a = 0 * ...  ### masked: 0\n### END SOLUTION\n",
        encoding="utf-8",
    )
    secrets = read_secrets(path, conventions=Conventions(masked=0))
    assert [line for _, line in secrets.secret] == ["0 1", "a = one()", "a = zero()", "a = ..."]
    assert [line for line in secrets.public if line] == ["# A lesson", "1 0", "a = 0 * ..."]
