"""What a student sees: cards, hints, pieces, progress, and predictions before measurements."""

import json

import pytest
from einops import rearrange

from helpers.cards import Card
from helpers.check import Lesson
from helpers.exercises.definition import Claim, Experiment
from helpers.experiment import Result, measure
from helpers.papers import VIT_PATCHES
from helpers.progress import progress_file, read_progress, record


def patchify(images, patch_size):
    return rearrange(images, "b c (h p1) (w p2) -> b (h w) (c p1 p2)", p1=patch_size, p2=patch_size)


def subsampled(images, patch_size):
    return rearrange(images, "b c (p1 h) (p2 w) -> b (h w) (c p1 p2)", p1=patch_size, p2=patch_size)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("VITLAB_HOME", str(tmp_path / "home"))


def test_a_wrong_answer_gives_a_card_with_mistake_input_and_folded_hints():
    card = Lesson("01", {"patchify": subsampled}).check("patchify")
    assert repr(card).startswith("✗ wrong · `patchify` · subsampled pictures")
    assert "images: (2, 3, 4, 6)" in repr(card)
    html = card._repr_html_()
    assert html.count("<details>") == 3
    assert "<code>patchify</code>" in html


def test_a_right_answer_gives_its_points():
    card = Lesson("01", {"patchify": patchify}).check("patchify")
    assert repr(card).splitlines()[0] == "✓ right · `patchify` · 3 points"
    assert "<details>" not in card._repr_html_()


def test_a_card_escapes_what_it_shows():
    html = Card("wrong", "<script>", ["`<b>` & more"], [("<i>", "x")])._repr_html_()
    assert "<script>" not in html
    assert "<b>" not in html
    assert "<i>" not in html


@pytest.mark.parametrize("ask", [Lesson.check, Lesson.hint])
def test_a_misspelt_exercise_gets_the_nearest_names(ask):
    text = repr(ask(Lesson("01", {}), "patchfy"))
    assert "There is no exercise `patchfy` in lesson 01" in text
    assert "Did you mean" in text
    assert "`patchify`" in text
    assert "`attention`" not in text


def test_a_hint_for_nothing_asks_for_which():
    assert "Which exercise?" in repr(Lesson("01", {}).hint())


def test_a_name_like_no_other_gets_them_all():
    text = repr(Lesson("01", {}).check("zzz"))
    assert "`patchify`" in text
    assert "`attention`" in text


def test_hints_come_one_after_the_other_and_stay_at_the_last():
    lesson = Lesson("01", {})
    titles = [lesson.hint("patchify").title for _ in range(4)]
    assert [title.split(" for ")[0] for title in titles] == ["Hint 1 of 3", "Hint 2 of 3", "Hint 3 of 3", "Hint 3 of 3"]
    assert "That was the last hint." in repr(lesson.hint("patchify"))
    assert lesson.hint("patchify", 1).title.startswith("Hint 1")
    assert "last hint" not in repr(lesson.hint("patchify", 1))


def test_a_piece_is_the_students_once_it_is_right_and_the_courses_before(capsys):
    assert Lesson("01", {"patchify": patchify}).piece("patchify") is patchify
    assert Lesson("01", {"patchify": subsampled}).piece("patchify") is not subsampled
    assert Lesson("01", {}).piece("patchify") is not None
    said = capsys.readouterr().out.splitlines()
    assert said == ["patchify: yours", *["patchify: the course's own, until yours is right"] * 2]


def test_progress_is_kept_and_a_right_answer_stays_right():
    Lesson("01", {"patchify": patchify}).check("patchify")
    Lesson("01", {"patchify": subsampled}).check("patchify")
    entry = read_progress()["patchify"]
    assert (entry["verdict"], entry["tries"]) == ("right", 2)
    assert "1 of" in repr(Lesson("01", {}))


@pytest.mark.parametrize("damage", ["", "{", "[1]", '{"patchify": 3}', '{"patchify": {"tries": "x"}}', "\0"])
def test_a_damaged_progress_file_costs_nothing(damage):
    progress_file().parent.mkdir(parents=True)
    progress_file().write_text(damage, encoding="utf-8")
    assert "0 of" in repr(Lesson("01", {}))
    record("patchify", "right")
    assert json.loads(progress_file().read_text(encoding="utf-8"))["patchify"]["verdict"] == "right"


def test_a_home_that_cannot_be_written_costs_nothing(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VITLAB_HOME", str(tmp_path / "file" / "below"))
    assert "right" in repr(Lesson("01", {"patchify": patchify}).check("patchify"))


def test_under_nbgrader_a_wrong_answer_raises_and_a_right_one_gives_no_value(monkeypatch, capsys):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(AssertionError, match="patchify"):
        Lesson("01", {"patchify": subsampled}).check("patchify")
    assert "wrong · `patchify`" in capsys.readouterr().out
    assert Lesson("01", {"patchify": patchify}).check("patchify") is None
    assert "right · `patchify`" in capsys.readouterr().out


def test_under_nbgrader_no_ones_progress_is_shown_to_another(monkeypatch):
    Lesson("01", {"patchify": patchify}).check("patchify")
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert "0 of" in repr(Lesson("01", {}))
    Lesson("01", {"patchify": patchify}).check("patchify")
    monkeypatch.delenv("NBGRADER_EXECUTION")
    assert read_progress()["patchify"]["tries"] == 1


ORDER = Experiment(
    id="predict_it",
    title="Does it matter?",
    question="What will happen?",
    options={"a": "yes", "b": "no"},
    outcome="b",
    claims=(Claim("one", "=", "other"), Claim("one", ">", "third")),
    published=(VIT_PATCHES,),
)
RUNS = {"one": lambda seed: 70.0 + seed, "other": lambda seed: 70.4, "third": lambda seed: 60}


def test_nothing_is_measured_before_a_prediction():
    def never(seed):
        raise AssertionError("measured before the prediction")

    for prediction in (..., None, "", "c", 3):
        result = measure(ORDER, "99_none", prediction, {"one": never})
        assert result.values == {}
        assert "predict first" in repr(result)
        assert "predict first" in result.conclusion


def test_prediction_measurement_and_paper_stand_side_by_side():
    result = measure(ORDER, "99_none", " A", RUNS)
    text = repr(result)
    assert "You predicted a) yes." in text
    assert "Measured: b) no" in text
    assert "70.4" in text
    assert VIT_PATCHES.says in text
    assert result.conclusion.splitlines() == [
        "no difference beyond the spread between one and other (as expected)",
        "one is above third (as expected)",
    ]


def test_what_the_data_does_not_support_is_said_so():
    result = measure(ORDER, "99_none", "b", {**RUNS, "third": lambda seed: 75})
    assert "one is below third (NOT as expected" in result.conclusion
    assert "Measured: b)" not in repr(result)


def test_a_difference_within_the_shipped_spread_is_none():
    noisy = {"one": [60.0, 70.0, 80.0], "third": [60.0, 70.0, 80.0]}
    result = Result(ORDER, "b", {"one": 72.0, "third": 60.0}, {}, noisy)
    assert not result.holds(Claim("one", ">", "third"))


def test_an_experiment_appends_to_the_record_with_its_seed(tmp_path, monkeypatch):
    monkeypatch.setenv("VITLAB_SEED", "2")
    monkeypatch.setenv("VITLAB_RECORD", str(tmp_path / "record.jsonl"))
    measure(ORDER, "99_none", "a", RUNS)
    line = json.loads((tmp_path / "record.jsonl").read_text())
    assert (line["id"], line["seed"], line["values"]["one"]) == ("predict_it", 2, 72.0)


def test_a_claim_over_seeds_is_judged_by_the_mean_difference():
    claim = Claim("one", ">", "other", over_seeds=True)
    shipped = {"one": [71.0, 74.0, 77.0], "other": [70.0, 72.5, 76.0]}
    small = Result(ORDER, "b", {"one": 70.0, "other": 70.5}, {}, shipped)
    assert small.holds(claim), "one run the other way does not settle it"
    assert not Result(ORDER, "b", small.values, {}, {**shipped, "other": [72.0, 73.0, 78.0]}).holds(claim)


# homework: other conventions


def column_major(images, patch_size):
    return rearrange(images, "b c (h p1) (w p2) -> b (w h) (c p1 p2)", p1=patch_size, p2=patch_size)


def test_checks_hints_and_pieces_follow_the_conventions_of_a_homework(capsys):
    lesson = Lesson("01", {"patchify": column_major}, conventions={"sequence": "column-major"})
    assert repr(lesson.check("patchify")).startswith("✓ right")
    assert lesson.piece("patchify") is column_major
    assert "(w h)" in repr(lesson.hint("PatchEmbed", 3))
    public = Lesson("01", {"patchify": patchify}, conventions={"sequence": "column-major"}).check("patchify")
    assert "column by column was asked for" in repr(public)


@pytest.mark.parametrize(
    ("conventions", "said"),
    [
        ({"order": "row-major"}, "There is no convention 'order': there are sequence, patch, class_token, masked."),
        (
            {"sequence": "spiral"},
            "'sequence' must be 'row-major' or 'column-major', but it is 'spiral'.",
        ),
    ],
)
def test_a_wrong_convention_is_told_in_a_sentence(conventions, said):
    with pytest.raises(ValueError, match=said):
        Lesson("01", {}, conventions=conventions)


def test_progress_of_a_homework_is_kept_apart_from_the_lessons():
    homework = Lesson("01", {"patchify": column_major}, conventions={"sequence": "column-major"})
    homework.check("patchify")
    assert "Homework 01" in repr(homework)
    assert "1 of 22 done" in repr(homework)
    assert "0 of 22 done" in repr(Lesson("01", {}))
    assert "0 of 22 done" in repr(Lesson("01", {}, conventions={"class_token": "last"}))


def test_a_homework_under_the_courses_own_conventions_is_the_lesson():
    Lesson("01", {"patchify": patchify}, conventions={}).check("patchify")
    assert "1 of 22 done" in repr(Lesson("01", {}))
