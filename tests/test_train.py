"""The training loop: seeded, resumable to the last bit, and plain in what it says."""

import copy

import pytest
import torch
from torch import nn

from helpers.models.cnn import SmallCNN
from helpers.models.vit import ViT
from helpers.train import Checkpoint, History, best_device, evaluate, fit, schedule

torch.manual_seed(0)
LABELS = torch.arange(90) % 3
PROTOTYPES = torch.randn(3, 1, 8, 12)
IMAGES = PROTOTYPES[LABELS] + 0.5 * torch.randn(90, 1, 8, 12)
TEST = (IMAGES[:30], LABELS[:30])
HOW = dict(epochs=3, batch_size=32, test=TEST, device="cpu", progress=False)


def small_vit(dtype=torch.float32):
    torch.manual_seed(1)
    return ViT((8, 12), 4, 1, 3, 16, 1, 2).to(dtype)


def small_cnn():
    torch.manual_seed(1)
    return SmallCNN(1, 3, width=4)


class WithDropout(nn.Sequential):
    def __init__(self):
        torch.manual_seed(1)
        super().__init__(nn.Flatten(), nn.Linear(96, 16), nn.Dropout(0.5), nn.Linear(16, 3))


def same_weights(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


class Killed(Exception):
    """Stands for the end of a process in the middle of an epoch."""


def ending(after, with_what):
    """An augmentation that changes nothing and ends the run after so many batches; all of them have one name."""
    batches = 0

    def augment(images, generator):
        nonlocal batches
        batches += 1
        if batches > after:
            raise with_what
        return images

    return augment


def test_a_model_learns():
    model = small_vit()
    history = fit(model, IMAGES, LABELS, **{**HOW, "epochs": 15}, lr=3e-3)
    assert history.finished
    assert len(history.loss) == 15 * 3
    assert len(history.accuracy) == 15
    assert history.seconds > 0
    assert history.loss[-1] < history.loss[0] / 2
    assert history.accuracy[-1] == evaluate(model, *TEST) > 90


@pytest.mark.parametrize("make", [small_vit, small_cnn, WithDropout])
def test_the_same_seed_gives_the_same_bits(make):
    first, second = make(), make()
    torch.manual_seed(5)  # the caller's random numbers decide nothing
    one = fit(first, IMAGES, LABELS, **HOW, seed=3)
    torch.manual_seed(6)
    other = fit(second, IMAGES, LABELS, **HOW, seed=3)
    assert one == other
    assert same_weights(first, second)


@pytest.mark.parametrize("make", [small_vit, WithDropout])
def test_another_seed_gives_another_run(make):
    histories = [fit(make(), IMAGES, LABELS, **HOW, seed=seed) for seed in (0, 1)]
    assert histories[0] != histories[1]


def test_the_callers_random_numbers_stay_untouched():
    model = WithDropout()
    torch.manual_seed(9)
    expected = torch.rand(4)
    torch.manual_seed(9)
    fit(model, IMAGES, LABELS, **HOW)
    assert torch.equal(torch.rand(4), expected)


def test_each_epoch_sees_each_picture_once_in_an_order_of_its_own():
    seen = []

    def loss(model, images, labels):
        seen.append(images[:, 0, 0, 0].detach())
        return nn.functional.cross_entropy(model(images), labels)

    fit(small_vit(), IMAGES, LABELS, **HOW, loss=loss)
    epochs = torch.cat(seen).reshape(3, 90)
    assert torch.equal(epochs.sort().values, IMAGES[:, 0, 0, 0].sort().values.expand(3, -1))
    assert not torch.equal(epochs[0], epochs[1])


@pytest.mark.parametrize("make", [small_vit, small_cnn, WithDropout])
@pytest.mark.parametrize("batches", [4, 6, 8])
def test_a_killed_run_goes_on_and_ends_with_the_same_bits(make, batches, tmp_path):
    checkpoint = tmp_path / "run.safetensors"
    whole = make()
    expected = fit(whole, IMAGES, LABELS, **HOW, augment=ending(99, Killed))
    with pytest.raises(Killed):
        fit(make(), IMAGES, LABELS, **HOW, checkpoint=checkpoint, augment=ending(batches, Killed))
    resumed = make()
    history = fit(resumed, IMAGES, LABELS, **HOW, checkpoint=checkpoint, augment=ending(99, Killed))
    assert history == expected
    assert same_weights(resumed, whole)


def test_a_run_goes_on_from_the_last_whole_epoch_and_repeats_no_other(tmp_path):
    checkpoint = tmp_path / "run.safetensors"
    with pytest.raises(Killed):
        fit(small_vit(), IMAGES, LABELS, **HOW, checkpoint=checkpoint, augment=ending(7, Killed))
    with pytest.raises(Killed):  # two epochs of 3 batches are done: 3 batches are left, so the 4th never comes
        fit(small_vit(), IMAGES, LABELS, **HOW, checkpoint=checkpoint, augment=ending(2, Killed))
    assert fit(small_vit(), IMAGES, LABELS, **HOW, checkpoint=checkpoint, augment=ending(3, Killed)).finished


def test_a_finished_run_is_read_back_without_a_step(tmp_path):
    checkpoint = tmp_path / "new folder" / "run.safetensors"
    first, second = small_vit(), small_vit()
    expected = fit(first, IMAGES, LABELS, **HOW, checkpoint=checkpoint)
    steps = []
    second.register_forward_hook(lambda *_: steps.append(1))
    history = fit(second, IMAGES, LABELS, **HOW, checkpoint=checkpoint)
    assert history == expected
    assert history.finished
    assert same_weights(first, second)
    assert steps == []


def test_the_stop_button_gives_the_history_so_far_and_says_how_to_go_on(tmp_path, capsys):
    checkpoint = tmp_path / "run.safetensors"
    history = fit(small_vit(), IMAGES, LABELS, **HOW, checkpoint=checkpoint, augment=ending(5, KeyboardInterrupt))
    assert not history.finished
    assert len(history.loss) == 5
    assert len(history.accuracy) == 1
    assert capsys.readouterr().out == (
        "Stopped after 5 of 9 steps. Run this cell again to go on from the last whole epoch, "
        f"which is in {checkpoint}.\n"
    )
    history = fit(small_vit(), IMAGES, LABELS, **HOW, checkpoint=checkpoint, augment=ending(99, Killed))
    assert len(history.loss) == 9


def test_the_stop_button_without_a_checkpoint_names_it(capsys):
    fit(small_vit(), IMAGES, LABELS, **HOW, augment=ending(5, KeyboardInterrupt))
    assert 'checkpoint="name.safetensors"' in capsys.readouterr().out


def test_a_kill_while_the_checkpoint_is_written_leaves_the_one_before(tmp_path, monkeypatch):
    checkpoint = tmp_path / "run.safetensors"
    with pytest.raises(Killed):
        fit(small_vit(), IMAGES, LABELS, **HOW, checkpoint=checkpoint, augment=ending(3, Killed))
    before = checkpoint.read_bytes()

    def killed(*_):
        raise Killed

    monkeypatch.setattr("helpers.train.os.replace", killed)
    with pytest.raises(Killed):
        fit(small_vit(), IMAGES, LABELS, **HOW, checkpoint=checkpoint, augment=ending(99, Killed))
    monkeypatch.undo()
    assert checkpoint.read_bytes() == before
    assert fit(small_vit(), IMAGES, LABELS, **HOW, checkpoint=checkpoint, augment=ending(99, Killed)).finished


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (dict(seed=7), "seed"),
        (dict(lr=1e-4), "lr"),
        (dict(epochs=4), "epochs"),
        (dict(batch_size=16), "batch_size"),
        (dict(test=None), "test"),
        (dict(weight_decay=0.0), "weight_decay"),
        (dict(augment=ending(99, Killed)), "augment"),
        (dict(images=IMAGES + 1), "images"),
        (dict(labels=LABELS.flip(0)), "labels"),
        (dict(model=SmallCNN(1, 3, width=4)), "model"),
        (dict(loss=lambda model, images, labels: model(images).sum()), "loss"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_checkpoint_of_another_run_is_refused_by_name(change, word, tmp_path):
    checkpoint = tmp_path / "run.safetensors"
    run = dict(model=small_vit(), images=IMAGES, labels=LABELS, checkpoint=checkpoint, **HOW)
    fit(**run)
    before = checkpoint.read_bytes()
    with pytest.raises(ValueError, match=rf"belongs to a run with different {word}\."):
        fit(**run | change)
    assert checkpoint.read_bytes() == before


@pytest.mark.parametrize("damage", [lambda b: b[:100], lambda b: b[:-10], lambda b: b"", lambda b: b"x" * 500])
def test_a_damaged_checkpoint_is_named_with_its_cure(damage, tmp_path):
    checkpoint = tmp_path / "run.safetensors"
    fit(small_vit(), IMAGES, LABELS, **HOW, checkpoint=checkpoint)
    checkpoint.write_bytes(damage(checkpoint.read_bytes()))
    with pytest.raises(ValueError, match=r"run\.safetensors is damaged or was not written by fit\. Delete it"):
        fit(small_vit(), IMAGES, LABELS, **HOW, checkpoint=checkpoint)


def test_a_safetensors_file_of_something_else_is_refused(tmp_path):
    from safetensors.torch import save_file

    save_file({"weight": torch.zeros(2)}, tmp_path / "run.safetensors")
    with pytest.raises(ValueError, match="was not written by fit"):
        fit(small_vit(), IMAGES, LABELS, **HOW, checkpoint=tmp_path / "run.safetensors")


def test_tied_weights_can_be_written_and_read_back(tmp_path):
    class Tied(nn.Module):
        def __init__(self):
            torch.manual_seed(1)
            super().__init__()
            self.first, self.second, self.head = nn.Linear(96, 96), nn.Linear(96, 96), nn.Linear(96, 3)
            self.second.weight = self.first.weight

        def forward(self, images):
            return self.head(self.second(self.first(images.flatten(1))))

    checkpoint = tmp_path / "run.safetensors"
    first, second = Tied(), Tied()
    expected = fit(first, IMAGES, LABELS, **HOW, checkpoint=checkpoint)
    assert fit(second, IMAGES, LABELS, **HOW, checkpoint=checkpoint) == expected
    assert same_weights(first, second)


def test_only_what_asks_for_gradients_is_trained():
    model = small_vit()
    before = copy.deepcopy(model)
    model.requires_grad_(False)
    model.head.requires_grad_(True)
    fit(model, IMAGES, LABELS, **HOW)
    changed = {
        name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before.state_dict()[name])
    }
    assert changed == {"head.weight", "head.bias"}


def test_a_model_in_float64_is_trained_in_float64():
    model = small_vit(torch.float64)
    fit(model, IMAGES.double(), LABELS, **{**HOW, "test": (TEST[0].double(), TEST[1])})
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float64}


@pytest.mark.parametrize("training", [True, False])
def test_every_module_ends_in_its_own_mode(training):
    model = small_cnn().train(training)
    model.norm1.train(not training)
    fit(model, IMAGES, LABELS, **HOW)
    evaluate(model, *TEST)
    assert model.training is training
    assert model.norm1.training is (not training)


def test_a_picture_is_judged_in_evaluation_mode_whatever_the_batch_size():
    model = WithDropout()
    accuracies = {evaluate(model, IMAGES, LABELS, batch_size=size) for size in (1, 7, 90, 500)}
    assert len(accuracies) == 1


def test_accuracy_is_a_percentage_of_right_pictures():
    class Fixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.unused = nn.Parameter(torch.zeros(1))

        def forward(self, images):
            return nn.functional.one_hot(images.flatten().long(), 3).float()

    assert evaluate(Fixed(), torch.tensor([[0.0], [1.0], [2.0], [2.0]]), torch.tensor([0, 1, 2, 0])) == 75


def test_the_learning_rate_warms_up_and_falls_to_almost_nothing():
    rates = [schedule(step, 100) for step in range(100)]
    assert rates[:5] == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert rates[5:] == sorted(rates[5:], reverse=True)
    assert 0 < rates[-1] < 0.01
    assert [schedule(0, 1)] == [1]


def test_without_progress_nothing_is_printed(capfd):
    fit(small_vit(), IMAGES, LABELS, **HOW)
    assert capfd.readouterr() == ("", "")


def test_the_progress_bar_shows_loss_and_accuracy_on_standard_output(capfd):
    fit(small_vit(), IMAGES, LABELS, **{**HOW, "progress": True})
    shown = capfd.readouterr()
    assert "epoch 3/3" in shown.out
    assert "accuracy" in shown.out
    assert shown.err == ""


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (dict(images=IMAGES[:0], labels=LABELS[:0]), "There are no pictures"),
        (dict(labels=LABELS[:80]), "there are 90 pictures and 80 labels"),
        (dict(test=(IMAGES[:3], LABELS[:2])), "there are 3 pictures and 2 labels"),
        (dict(images=IMAGES.to(torch.uint8)), "normalised=True"),
        (dict(epochs=0), "epochs and batch_size must be at least 1"),
        (dict(batch_size=0), "epochs and batch_size must be at least 1"),
        (dict(model=small_vit().requires_grad_(False)), "no parameters to train"),
    ],
)
def test_data_that_do_not_fit_are_refused_in_a_sentence(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        fit(**dict(model=small_vit(), images=IMAGES, labels=LABELS, **HOW) | change)


def test_the_best_device_can_hold_a_tensor():
    assert torch.zeros(2, device=best_device()).sum() == 0


def test_a_history_says_what_happened_in_a_line():
    assert repr(History([2.0, 1.0], [50.0], 3.2, True)) == "<History: 2 steps, loss 1.000, accuracy 50.0%, 3 s>"
    assert repr(History()) == "<History: 0 steps, no step, 0 s, not finished>"


def test_nothing_in_a_checkpoint_is_pickled(tmp_path):
    fit(small_vit(), IMAGES, LABELS, **HOW, checkpoint=tmp_path / "run.safetensors")
    content = (tmp_path / "run.safetensors").read_bytes()
    length = int.from_bytes(content[:8], "little")
    assert content[8:9] == b"{"  # safetensors: a length, a JSON header, then numbers
    assert b'"run"' in content[8 : 8 + length]
    assert list(tmp_path.iterdir()) == [tmp_path / "run.safetensors"]
    assert Checkpoint(tmp_path / "run.safetensors", {"epochs": 3}).path.exists()


@pytest.mark.parametrize("make", [small_vit, small_cnn])
def test_sgd_learns_and_takes_other_steps_than_adamw(make):
    model, other = make(), make()
    history = fit(model, IMAGES, LABELS, **{**HOW, "epochs": 15}, lr=0.03, weight_decay=1e-4, optimizer="sgd")
    adamw = fit(other, IMAGES, LABELS, **{**HOW, "epochs": 15}, lr=0.03, weight_decay=1e-4)
    assert history.loss[-1] < history.loss[0] / 2
    assert history.loss[0] == adamw.loss[0]
    assert history.loss[-1] != adamw.loss[-1]


def test_one_step_of_sgd_is_the_rate_times_the_gradient():
    model, same = small_cnn(), small_cnn()
    fit(
        model,
        IMAGES,
        LABELS,
        epochs=1,
        batch_size=90,
        lr=0.1,
        weight_decay=0,
        device="cpu",
        progress=False,
        optimizer="sgd",
    )
    nn.functional.cross_entropy(same(IMAGES), LABELS).backward()
    with torch.no_grad():
        expected = same.conv1.weight - 0.1 * same.conv1.weight.grad
    assert torch.allclose(model.conv1.weight, expected, atol=1e-6)


@pytest.mark.parametrize("batches", [4, 8])
def test_a_killed_run_of_sgd_goes_on_and_ends_with_the_same_bits(batches, tmp_path):
    how = {**HOW, "optimizer": "sgd", "lr": 0.03}
    checkpoint = tmp_path / "run.safetensors"
    whole = small_vit()
    expected = fit(whole, IMAGES, LABELS, **how, augment=ending(99, Killed))
    with pytest.raises(Killed):
        fit(small_vit(), IMAGES, LABELS, **how, checkpoint=checkpoint, augment=ending(batches, Killed))
    resumed = small_vit()
    history = fit(resumed, IMAGES, LABELS, **how, checkpoint=checkpoint, augment=ending(99, Killed))
    assert history == expected
    assert same_weights(resumed, whole)


def test_a_checkpoint_of_another_optimizer_is_refused(tmp_path):
    checkpoint = tmp_path / "run.safetensors"
    fit(small_vit(), IMAGES, LABELS, **HOW, checkpoint=checkpoint)
    with pytest.raises(ValueError, match="belongs to a run with different optimizer"):
        fit(small_vit(), IMAGES, LABELS, **HOW, checkpoint=checkpoint, optimizer="sgd")


def test_an_unknown_optimizer_is_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match="There is no optimizer 'adam' here; there are adamw and sgd"):
        fit(small_vit(), IMAGES, LABELS, **HOW, optimizer="adam")
