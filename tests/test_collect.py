"""Hand-ins are found however they come, each with its student; nothing is unpacked, no link followed."""

import hashlib
import io
import os
import stat
import zipfile

import pytest
from hand_ins import RIGHT, notebook

from vitlab.grading import batch
from vitlab.grading import collect as collecting
from vitlab.grading.collect import CollectError, collect

NOTEBOOK = notebook(RIGHT)


def lay(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def zipped(files):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return memory.getvalue()


def found(place):
    return {hand_in.student: [file.name for file in hand_in.files] for hand_in in collect(place)}


def test_canvas_names_tell_students_and_namesakes_apart(tmp_path):
    names = ("doejane_12_34_02_patch_order.ipynb", "doejane_LATE_56_78_hw-1.ipynb", "roe_9_8_work.zip")
    lay(tmp_path, dict(zip(names, (NOTEBOOK, NOTEBOOK, zipped({"a.ipynb": NOTEBOOK})), strict=True)))
    assert found(tmp_path) == {
        "doejane_12": ["doejane_12_34_02_patch_order.ipynb"],
        "doejane_56": ["doejane_LATE_56_78_hw-1.ipynb"],
        "roe_9": ["roe_9_8_work.zip/a.ipynb"],
    }


def test_gradescope_folders_get_their_students_from_the_metadata(tmp_path):
    metadata = b"""submission_1:\n  :submitters:\n  - :name: Ann Ash\n    :sid: '301'\n    :email: a@x\n
submission_2:\n  :submitters:\n  - :name: Bob Oak\n    :sid:\n  - :name: Cy Elm\n    :sid: '303'\n"""
    files = {"submission_1/a.ipynb": NOTEBOOK, "submission_2/b.ipynb": NOTEBOOK, "submission_metadata.yml": metadata}
    assert set(found(lay(tmp_path, files))) == {"301", "Bob Oak and 303"}


def test_metadata_that_gradescope_did_not_write_is_refused(tmp_path):
    lay(
        tmp_path, {"submission_1/a.ipynb": NOTEBOOK, "submission_metadata.yml": b"!!python/object/apply:os.system [ls]"}
    )
    with pytest.raises(CollectError, match="not as Gradescope writes it"):
        collect(tmp_path)


def test_nbgraders_tree_is_read_by_student(tmp_path):
    files = {f"submitted/{who}/02_patch_order/02_patch_order.ipynb": NOTEBOOK for who in ("ann", "bob")}
    assert set(found(lay(tmp_path, files))) == {"ann", "bob"}


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("ann.ipynb", "ann"),
        ("ann_02_patch_order.ipynb", "ann"),
        ("ann-02_patch_order.ipynb", "ann"),
        ("02_patch_order.ipynb", "hand_in"),
        ("02_patch_order (1).ipynb", "hand_in"),
        ("ann.zip", "ann"),
        ("ann/deep/er/x.ipynb", "ann"),
    ],
)
def test_a_file_belongs_to_whom_it_is_named_after(tmp_path, name, student):
    content = zipped({"x.ipynb": NOTEBOOK}) if name.endswith("zip") else NOTEBOOK
    assert list(found(lay(tmp_path / "hand_in", {name: content}))) == [student]


def test_a_zip_of_everything_is_read_as_the_folder_would_be(tmp_path):
    path = tmp_path / "all.zip"
    path.write_bytes(zipped({"ann/a.ipynb": NOTEBOOK, "bob.zip": zipped({"b.ipynb": NOTEBOOK})}))
    assert found(path) == {"ann": ["ann/a.ipynb"], "bob": ["bob.zip/b.ipynb"]}
    assert [file.read() for hand_in in collect(path) for file in hand_in.files] == [NOTEBOOK, NOTEBOOK]


def test_what_jupyter_and_macos_leave_behind_is_no_hand_in(tmp_path):
    content = zipped({"__MACOSX/._a.ipynb": b"", ".ipynb_checkpoints/a.ipynb": NOTEBOOK, "a.ipynb": NOTEBOOK})
    lay(tmp_path, {"ann.zip": content, "bob/.ipynb_checkpoints/b.ipynb": NOTEBOOK, "bob/b.ipynb": NOTEBOOK})
    assert found(tmp_path) == {"ann": ["ann.zip/a.ipynb"], "bob": ["bob/b.ipynb"]}


def test_names_that_lead_out_of_a_zip_are_refused_and_written_nowhere(tmp_path):
    evil = zipped(
        {"../../evil.ipynb": NOTEBOOK, "/abs.ipynb": NOTEBOOK, "c:\\x.ipynb": NOTEBOOK, "good.ipynb": NOTEBOOK}
    )
    [hand_in] = collect(lay(tmp_path / "in", {"ann.zip": evil}))
    assert [file.name for file in hand_in.files] == ["ann.zip/good.ipynb"]
    assert len(hand_in.problems) == 3
    assert not list(tmp_path.rglob("evil*"))


def test_a_zip_bomb_costs_no_more_than_its_cap(tmp_path, monkeypatch):
    monkeypatch.setattr(collecting, "MOST_IN_ZIP", 1 << 20)
    [hand_in] = collect(lay(tmp_path, {"ann.zip": zipped({"a.ipynb": bytes(4 << 20)})}))
    assert not hand_in.files
    assert "MB when unpacked" in hand_in.problems[0]


def test_what_one_student_puts_into_the_zip_of_a_class_does_not_close_it(tmp_path, monkeypatch):
    monkeypatch.setattr(collecting, "MOST_IN_ZIP", 1 << 20)
    monkeypatch.setattr(collecting, "MOST_FILES", 5)
    many = {f"mallory/{number}.ipynb": NOTEBOOK for number in range(9)}
    content = zipped({"ann/a.ipynb": NOTEBOOK, **many, "mallory/large.ipynb": bytes(4 << 20)})
    (tmp_path / "class.zip").write_bytes(content)
    assert found(tmp_path / "class.zip")["ann"] == ["ann/a.ipynb"]


def test_nobody_takes_the_name_that_tells_namesakes_apart(tmp_path):
    names, name = ["anna", "ANNA"], "anna"
    for digits in (6, 12, 64):  # what the first of them is called, and would be called then
        names.append(f"anna-{hashlib.sha256(name.encode()).hexdigest()[:digits]}")
    lay(tmp_path, {f"{name}/a.ipynb": NOTEBOOK for name in names})
    students = [hand_in.student for hand_in in collect(tmp_path)]
    assert len({student.casefold() for student in students}) == len(names)


def test_a_hand_in_has_no_more_in_memory_than_its_cap(tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "MOST_IN_HAND_IN", 2 << 20)
    bomb = zipped({"a.ipynb": bytes(1 << 20), "b.ipynb": bytes(1 << 20)})
    [hand_in] = collect(lay(tmp_path, {f"ann/{number}.zip": bomb for number in range(9)}))
    job = batch.read(hand_in)
    assert sum(len(content) for _, content in job.files) <= 3 << 20
    assert "nor what comes after it" in job.problems[-1]


def test_a_hand_in_has_no_more_notebooks_than_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "MOST_FILES", 3)
    [hand_in] = collect(lay(tmp_path, {f"ann/{number}.ipynb": NOTEBOOK for number in range(9)}))
    job = batch.read(hand_in)
    assert len(job.files) == 3
    assert len(job.problems) == 1


def test_a_zip_with_a_long_table_of_contents_is_not_listed(tmp_path, monkeypatch):
    """A million entries fit into 60 MB, and these into 60 kB of another zip: each such zip took ten seconds."""
    monkeypatch.setattr(collecting, "MOST_FILES", 2)
    lay(tmp_path, {"ann.zip": zipped({f"{n}.ipynb": b"" for n in range(21)})})
    monkeypatch.setattr(collecting.zipfile, "ZipFile", None)
    [hand_in] = collect(tmp_path)
    assert hand_in.problems == ["ann.zip: ann.zip holds more than the 2 files that are read."]


def test_a_student_has_no_more_zips_than_are_looked_into(tmp_path, monkeypatch):
    monkeypatch.setattr(collecting, "MOST_ZIPS", 2)
    [hand_in] = collect(lay(tmp_path, {f"ann/{n}.zip": zipped({"a.ipynb": NOTEBOOK}) for n in range(4)}))
    assert len(hand_in.files) == 2
    assert "2 zips are the most" in hand_in.problems[0]


def test_a_zip_that_lies_about_its_sizes_is_read_up_to_the_cap(tmp_path, monkeypatch):
    monkeypatch.setattr(collecting, "MOST_BYTES", 1 << 16)
    [hand_in] = collect(lay(tmp_path, {"ann.zip": zipped({"a.ipynb": bytes(1 << 20)})}))
    assert len(hand_in.files[0].read()) == (1 << 16) + 1


@pytest.mark.parametrize("content", [b"PK\x03\x04 broken", b"", zipped({"a.ipynb": NOTEBOOK})[:-30]])
def test_a_broken_zip_is_a_sentence(tmp_path, content):
    [hand_in] = collect(lay(tmp_path, {"ann.zip": content}))
    assert hand_in.problems[0].startswith("ann.zip: ann.zip is no zip that can be read")


def test_links_are_not_followed(tmp_path):
    lay(tmp_path, {"ann/a.ipynb": NOTEBOOK})
    (tmp_path / "bob").mkdir()
    (tmp_path / "bob" / "b.ipynb").symlink_to(tmp_path / "ann" / "a.ipynb")
    (tmp_path / "cy").symlink_to(tmp_path / "ann")
    member = zipfile.ZipInfo("z.ipynb")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    (tmp_path / "dee.zip").write_bytes(zipped({member: "ann/a.ipynb"}))
    hand_ins = {hand_in.student: hand_in for hand_in in collect(tmp_path)}
    assert set(hand_ins) == {"ann", "bob", "cy", "dee"}
    for name in ("bob", "cy", "dee"):
        assert not hand_ins[name].files
        assert "links are not followed" in hand_ins[name].problems[0]


def test_a_pipe_is_not_waited_for(tmp_path):
    (tmp_path / "ann").mkdir()
    os.mkfifo(tmp_path / "ann" / "a.ipynb")
    [hand_in] = collect(tmp_path)
    assert "no regular file" in hand_in.problems[0]


def test_names_that_print_alike_are_told_apart(tmp_path):
    for name in (b"caf\xe8.ipynb", b"caf\xe9.ipynb", b"\xe2\x80\xaex.ipynb", b"a\x1b[2J.ipynb"):
        (tmp_path / os.fsdecode(name)).write_bytes(NOTEBOOK)
    students = [hand_in.student for hand_in in collect(tmp_path)]
    assert len(set(students)) == 4
    assert not any("\x1b" in student or "\u202e" in student for student in students)
