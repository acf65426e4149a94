"""The embedded data sets and their loaders."""

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from helpers.data import (
    CLASSES,
    PHOTOGRAPHS,
    DataError,
    denormalise,
    fashion,
    fashion_mnist,
    files,
    full_fashion_mnist,
    hub,
    make_fashion_mnist,
    photo,
    photographs,
)

IDX_FILES = Path("/usr/share/datasets/fashion-mnist")  # Debian package dataset-fashion-mnist
with_originals = pytest.mark.skipif(not IDX_FILES.exists(), reason="needs Debian's dataset-fashion-mnist")

# sha256 of the decoded pixels and labels, one byte each
PINNED = {
    "train": (
        "0c4c59f486f4aef2fe2b3a02133174668bb175b84a8a498de9d5823c201f4b3e",
        "466a7bfe35eea506c55c620e79d917440e7e7c0d5769f0902f55af357e2266b3",
    ),
    "test": (
        "b3ee4b614e451cd307029363a52b48aada4a40ae3e52dedbf13cea9b1ebc57c9",
        "c80acb848c71cf9905770550e2d776831869a0d21b4f7ddd097ecca685759930",
    ),
}


def forget():
    """Make the loaders read their files again, as a new process would."""
    for cached in (fashion._subset, fashion._manifest, photographs._pixels):
        cached.cache_clear()


@pytest.fixture
def embedded(tmp_path, monkeypatch):
    """A copy of the embedded files that a test may damage."""
    copy = tmp_path / "helpers" / "data" / "embedded"
    shutil.copytree(files.EMBEDDED, copy)
    monkeypatch.setattr(files, "EMBEDDED", copy)
    forget()
    yield copy
    forget()


def digest(tensor):
    return hashlib.sha256(tensor.to(torch.uint8).numpy().tobytes()).hexdigest()


# the subset of Fashion-MNIST


@pytest.mark.parametrize(("split", "size"), [("train", 12_000), ("test", 2_000)])
def test_a_split_has_its_size_shape_and_types(split, size):
    pictures = fashion_mnist(split)
    assert len(pictures) == size
    assert pictures.images.shape == (size, 1, 28, 28)
    assert pictures.images.dtype == torch.float32
    assert pictures.labels.shape == (size,)
    assert pictures.labels.dtype == torch.int64
    assert pictures.names == CLASSES


@pytest.mark.parametrize("split", PINNED)
def test_the_pictures_and_their_order_never_change(split):
    pictures = fashion_mnist(split, normalised=False)
    assert (digest(pictures.images), digest(pictures.labels)) == PINNED[split]


@pytest.mark.parametrize("split", PINNED)
@pytest.mark.parametrize("count", [1, 7, 10, 100, 999, None])
def test_every_count_holds_each_class_equally_often_give_or_take_one(split, count):
    labels = fashion_mnist(split, count).labels
    per_class = labels.bincount(minlength=10)
    assert per_class.max() - per_class.min() <= 1
    assert count is None or len(labels) == count


def test_the_classes_stand_in_no_fixed_order():
    rounds = fashion_mnist("train").labels.reshape(-1, 10)  # (1200, 10)
    assert len(rounds.unique(dim=0)) > 1190


def test_a_count_takes_the_first_pictures():
    everything, few = fashion_mnist("test"), fashion_mnist("test", count=33)
    assert torch.equal(few.images, everything.images[:33])
    assert torch.equal(few.labels, everything.labels[:33])


def test_no_picture_comes_twice():
    both = torch.cat([fashion_mnist(split, normalised=False).images for split in PINNED])
    assert len(both.flatten(1).unique(dim=0)) == len(both)


def test_the_training_pictures_are_normalised_by_their_own_mean_and_deviation():
    images = fashion_mnist("train").images.double()
    assert images.mean().abs() < 1e-6
    assert (images.std(unbiased=False) - 1).abs() < 1e-6


def test_the_test_pictures_are_normalised_like_the_training_pictures():
    training = fashion_mnist("train", normalised=False).images.double() / 255
    test = fashion_mnist("test", normalised=False).images.double() / 255
    expected = (test - training.mean()) / training.std(unbiased=False)
    assert torch.allclose(fashion_mnist("test").images.double(), expected, atol=1e-6)


def test_denormalise_undoes_the_normalisation():
    raw = fashion_mnist("test", normalised=False).images
    assert torch.allclose(denormalise(fashion_mnist("test").images), raw / 255, atol=1e-6)
    assert torch.equal(denormalise(raw), raw / 255)


def test_denormalise_clips_to_what_a_plot_can_show():
    shown = denormalise(torch.tensor([-100.0, 100.0]))
    assert shown.tolist() == [0, 1]


@pytest.mark.parametrize("normalised", [True, False])
def test_writing_into_a_picture_leaves_the_next_load_intact(normalised):
    first = fashion_mnist("test", normalised=normalised)
    first.images.fill_(7)
    first.labels.fill_(7)
    again = fashion_mnist("test", normalised=False)
    assert (digest(again.images), digest(again.labels)) == PINNED["test"]


def test_a_second_load_decodes_nothing(monkeypatch):
    fashion_mnist("test")
    monkeypatch.setattr(fashion, "read_pixels", None)  # whoever calls it fails
    assert len(fashion_mnist("test")) == 2_000


def test_pictures_are_shown_in_one_line():
    assert repr(fashion_mnist("test", 5)) == "Pictures(images (5, 1, 28, 28) float32 on cpu, 10 classes)"


def test_the_pictures_load_from_another_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    forget()
    assert len(fashion_mnist("test")) == 2_000
    assert photo("coffee").shape == (3, 224, 336)


def test_the_whole_training_split_takes_well_under_a_second_of_work():
    forget()
    start = time.process_time()
    fashion_mnist("train")
    assert time.process_time() - start < 1  # 0.2 s on one quiet core


@pytest.mark.parametrize("split", ["validation", "Train", None])
def test_an_unknown_split_is_refused_with_a_sentence(split):
    with pytest.raises(ValueError, match=r'The split is "train" or "test", but .* came'):
        fashion_mnist(split)


@pytest.mark.parametrize("count", [0, -1, 2_001, 1.5, "ten"])
def test_an_impossible_count_is_refused_with_a_sentence(count):
    with pytest.raises(ValueError, match="count is a whole number from 1 to 2,000 for the test split, but"):
        fashion_mnist("test", count)


@pytest.mark.parametrize("device", ["no-such-device", "cuda:99"])
def test_a_device_that_is_not_there_is_refused_with_a_sentence(device):
    with pytest.raises(
        ValueError, match=rf"The device '{device}' is not to be had here .*; try device=\"cpu\""
    ) as error:
        fashion_mnist("test", 1, device=device)
    assert str(error.value).endswith('; try device="cpu".')
    assert "\n" not in str(error.value)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_pictures_go_to_the_device_that_was_asked_for():
    pictures = fashion_mnist("test", 10, device="cuda")
    assert pictures.images.device.type == pictures.labels.device.type == "cuda"
    assert torch.allclose(pictures.images.cpu(), fashion_mnist("test", 10).images, atol=1e-6)


# the script that made the subset


@with_originals
@pytest.mark.parametrize("split", PINNED)
def test_the_subset_equals_the_originals_pixel_for_pixel(split):
    images, labels = make_fashion_mnist.read_originals(IDX_FILES, split)
    chosen = make_fashion_mnist.choose(labels, split).ravel()
    pictures = fashion_mnist(split, normalised=False)
    assert len(set(chosen.tolist())) == len(chosen)
    assert np.array_equal(pictures.images[:, 0].numpy(), images[chosen])
    assert np.array_equal(pictures.labels.numpy(), labels[chosen])


@with_originals
def test_the_script_writes_what_is_embedded_and_the_same_bytes_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(make_fashion_mnist, "PER_CLASS", {"train": 20, "test": 10})
    for folder in ("first", "second"):
        make_fashion_mnist.make(IDX_FILES, tmp_path / folder)
    for first in (tmp_path / "first").iterdir():
        assert first.read_bytes() == (tmp_path / "second" / first.name).read_bytes()
    for split, count in (("train", 200), ("test", 100)):
        sheet = np.array(Image.open(tmp_path / "first" / f"{split}.png"))
        labels = np.array(Image.open(tmp_path / "first" / f"{split}_labels.png"))
        embedded = fashion_mnist(split, count, normalised=False)
        assert np.array_equal(sheet, make_fashion_mnist.to_sheet(embedded.images.numpy()))
        assert np.array_equal(labels.ravel(), embedded.labels.numpy())


def test_the_script_refuses_other_files(tmp_path):
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"not gzip")
    with pytest.raises(SystemExit, match="train-images-idx3-ubyte"):
        make_fashion_mnist.make(tmp_path, tmp_path / "out")


def test_the_computed_mean_and_deviation_are_those_of_numpy():
    images = np.random.RandomState(0).randint(0, 256, (5, 28, 28)).astype(np.uint8)
    mean, std = make_fashion_mnist.mean_and_std(images)
    assert mean == pytest.approx((images / 255).mean(), abs=1e-12)
    assert std == pytest.approx((images / 255).std(), abs=1e-12)


def test_the_embedded_files_stay_small():
    assert sum(path.stat().st_size for path in files.EMBEDDED.rglob("*")) < 6.3e6
    assert all(path.stat().st_size < 150_000 for path in (files.EMBEDDED / "photographs").iterdir())


# the photographs


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_a_photograph_can_be_cut_into_patches_of_14_and_16(name):
    picture = photo(name)
    assert picture.dtype == torch.float32
    assert picture.shape[0] == 3
    assert all(side % 14 == 0 and side % 16 == 0 for side in picture.shape[1:])
    assert picture.min() >= 0
    assert 0.8 < picture.max() <= 1
    assert picture.std(dim=(1, 2)).min() > 0.1


def test_two_of_the_photographs_are_not_square():
    assert [tuple(photo(name).shape) for name in PHOTOGRAPHS] == [(3, 224, 224), (3, 224, 336), (3, 224, 336)]


def test_the_channels_of_a_photograph_are_red_green_blue():
    red, green, blue = photo("coffee")[:, 100:190, 50:70].mean(dim=(1, 2))  # the saucer and the wood
    assert red > green > blue


def test_a_photograph_is_resized_to_height_and_width():
    assert photo("chelsea", size=(96, 160)).shape == (3, 96, 160)


def test_a_photograph_keeps_its_brightness_when_made_small():
    assert torch.allclose(photo("astronaut", (28, 28)).mean(), photo("astronaut").mean(), atol=0.01)


def test_making_a_photograph_small_leaves_no_aliases(monkeypatch):
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255  # picking every other pixel would give black or white
    monkeypatch.setattr(photographs, "_pixels", lambda name: stripes)
    inner = photo("coffee", (32, 32))[:, 4:-4, 4:-4]
    assert (inner - 0.5).abs().max() < 0.05


def test_writing_into_a_photograph_leaves_the_next_load_intact():
    before = photo("chelsea").clone()
    photo("chelsea").zero_()
    assert torch.equal(photo("chelsea"), before)


def test_an_unknown_photograph_is_refused_with_the_names_there_are():
    with pytest.raises(ValueError, match="The photographs are astronaut, chelsea, coffee, but 'cat' came"):
        photo("cat")


@pytest.mark.parametrize("size", [224, (224,), (0, 10), (10.5, 10), (1, 2, 3), "ab"])
def test_an_impossible_size_is_refused_with_a_sentence(size):
    with pytest.raises(ValueError, match=r"size is \(height, width\), two whole numbers from 1 up, but"):
        photo("coffee", size)


# damage


def damage_missing(path):
    path.unlink()


def damage_truncated(path):
    path.write_bytes(path.read_bytes()[:-100])


def damage_changed(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def damage_emptied(path):
    path.write_bytes(b"")


def damage_replaced_by_a_folder(path):
    path.unlink()
    path.mkdir()


DAMAGES = [damage_missing, damage_truncated, damage_changed, damage_emptied, damage_replaced_by_a_folder]
LOADS = {
    "fashion_mnist/train.png": lambda: fashion_mnist("train"),
    "fashion_mnist/test_labels.png": lambda: fashion_mnist("test"),
    "fashion_mnist/manifest.json": lambda: fashion_mnist("test"),
    "photographs/coffee.png": lambda: photo("coffee"),
    "photographs/manifest.json": lambda: photo("coffee"),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", LOADS)
def test_a_broken_file_gives_one_sentence_with_its_name_and_the_cure(embedded, name, damage):
    damage(embedded / name)
    with pytest.raises(DataError) as caught:
        LOADS[name]()
    sentence = str(caught.value)
    assert name in sentence.replace("\\", "/")
    assert any(fault in sentence for fault in ("is missing", "is damaged", "cannot be read"))
    assert sentence.endswith("install the course again as its README says.")
    assert "\n" not in sentence


def test_in_a_clone_the_cure_is_a_git_command(embedded, tmp_path):
    (tmp_path / ".git").mkdir()
    damage_missing(embedded / "fashion_mnist" / "train.png")
    name = "helpers/data/embedded/fashion_mnist/train.png"
    with pytest.raises(DataError) as caught:
        fashion_mnist("train")
    assert str(caught.value) == (
        f"{name} is missing; to get it back, run `git checkout -- {name}` in the folder {tmp_path}."
    )


def test_after_the_cure_the_same_process_loads_again(embedded):
    path = embedded / "photographs" / "coffee.png"
    content = path.read_bytes()
    path.write_bytes(content[:1000])
    with pytest.raises(DataError, match=r"coffee\.png is damaged"):
        photo("coffee")
    path.write_bytes(content)
    assert photo("coffee").shape == (3, 224, 336)


def test_a_manifest_with_windows_line_ends_is_not_damaged(embedded):
    path = embedded / "fashion_mnist" / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert len(fashion_mnist("test")) == 2_000


def test_a_changed_mean_in_the_manifest_is_noticed(embedded):
    path = embedded / "fashion_mnist" / "manifest.json"
    path.write_text(path.read_text().replace('"mean": 0.2', '"mean": 0.3'))
    with pytest.raises(DataError, match=r"manifest\.json is damaged"):
        fashion_mnist("test")


def test_every_embedded_data_set_has_its_licence_and_source_beside_it():
    for folder in files.EMBEDDED.iterdir():
        assert (folder / "SOURCE.md").read_text(encoding="utf-8").strip()
        assert list(folder.glob("LICENSE*"))
        listed = set(files.read_manifest(folder.name)["files"])
        assert listed == {path.name for path in folder.glob("*.png")}


# the full data set


@pytest.fixture
def hub_folder(tmp_path, monkeypatch):
    """A small data set in a local folder in the place of the hub's: parquet files as `load_dataset` reads them."""
    datasets = pytest.importorskip("datasets")
    folder = tmp_path / "hub"
    folder.mkdir()
    features = datasets.Features(image=datasets.Image(), label=datasets.ClassLabel(num_classes=10))
    for split in ("train", "test"):
        local = fashion_mnist(split, 1_020 if split == "train" else 20, normalised=False)
        columns = {
            "image": [Image.fromarray(image[0].numpy()) for image in local.images],
            "label": local.labels.tolist(),
        }
        datasets.Dataset.from_dict(columns, features).to_parquet(str(folder / f"{split}-00000-of-00001.parquet"))
    monkeypatch.setattr(hub, "REPOSITORY", str(folder))
    monkeypatch.setattr(hub, "_hub_answers", lambda: True)
    return folder


@pytest.mark.parametrize(("split", "size"), [("train", 1_020), ("test", 20)])
def test_the_full_set_has_the_type_of_the_subset(hub_folder, tmp_path, split, size):
    full, subset = full_fashion_mnist(split, cache_dir=tmp_path / "cache"), fashion_mnist(split, size)
    assert torch.equal(full.images, subset.images)
    assert torch.equal(full.labels, subset.labels)
    assert full.labels.dtype == torch.int64
    assert full.names == CLASSES


def test_the_full_set_comes_as_bytes_too(hub_folder, tmp_path):
    full = full_fashion_mnist("test", tmp_path / "cache", normalised=False)
    assert torch.equal(full.images, fashion_mnist("test", 20, normalised=False).images)


def test_the_full_set_loads_without_a_word(hub_folder, tmp_path, capfd):
    full_fashion_mnist("test", tmp_path / "cache")
    assert capfd.readouterr() == ("", "")


def test_loading_the_full_set_leaves_the_loaders_settings_as_they_were(hub_folder, tmp_path):
    import datasets

    before = datasets.are_progress_bars_disabled(), datasets.config.HF_HUB_OFFLINE, datasets.logging.get_verbosity()
    full_fashion_mnist("test", tmp_path / "cache")
    after = datasets.are_progress_bars_disabled(), datasets.config.HF_HUB_OFFLINE, datasets.logging.get_verbosity()
    assert after == before


def test_a_hub_data_set_of_another_kind_is_refused_with_a_sentence(hub_folder, tmp_path):
    import datasets

    features = datasets.Features(image=datasets.Image(), label=datasets.ClassLabel(num_classes=10))
    wide = datasets.Dataset.from_dict({"image": [Image.new("L", (32, 28))], "label": [0]}, features)
    wide.to_parquet(str(hub_folder / "test-00000-of-00001.parquet"))
    with pytest.raises(DataError, match=r"could not be loaded .*expected grey pictures of 28x28 bytes.*; try again"):
        full_fashion_mnist("test", tmp_path / "cache")


def test_without_the_package_datasets_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match="not installed here; run `pip install datasets`, or go on with fashion_mnist"):
        full_fashion_mnist("test")


@pytest.mark.parametrize("answering", ["refuses", "stays silent"])
def test_without_a_network_one_quiet_sentence_comes_soon(tmp_path, answering):
    pytest.importorskip("datasets")
    program = (
        "import time, helpers.data, helpers.data.hub as hub, datasets\n"
        "hub.PATIENCE = 1.0\n"
        "start = time.perf_counter()\n"
        "try:\n    helpers.data.full_fashion_mnist('test')\n"
        "except helpers.data.DataError as error:\n    print(error)\n"
        "print(time.perf_counter() - start)\n"
    )
    with socket.socket() as hub_socket:
        hub_socket.bind(("127.0.0.1", 0))
        if answering == "stays silent":
            hub_socket.listen()  # connections are taken, and never answered; without this they are refused
        address = f"http://127.0.0.1:{hub_socket.getsockname()[1]}"
        environment = {**os.environ, "HF_HOME": str(tmp_path), "HF_ENDPOINT": address, "NO_PROXY": "127.0.0.1"}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120, check=True
        )
    sentence, seconds = done.stdout.splitlines()
    assert sentence.startswith("The full Fashion-MNIST is not on this computer yet and the Hugging Face hub cannot be")
    assert done.stderr == ""
    assert float(seconds) < 10  # the loader by itself retries for more than 20


def test_importing_helpers_alone_does_not_import_torch():
    program = "import sys, helpers; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0
