"""Lesson 07: the masked autoencoder is Hugging Face's, its checkpoint is as good as it says, and its edges speak."""

import re
import statistics
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from helpers import hub, hub_mae
from helpers.data import fashion_mnist
from helpers.exercises import find, items
from helpers.exercises.definition import Experiment
from helpers.exercises.judge import judge
from helpers.experiment import Result, load_shipped
from helpers.figures import masked_autoencoder as figures
from helpers.hub import HubError
from helpers.hub_mae import from_hugging_face_mae, load_published_mae
from helpers.models import mae
from helpers.models.checkpoints import HERE, facts
from helpers.models.checkpoints.mae_fashion import NAME, load_mae, probe_accuracy, reconstruction_error
from helpers.models.conventions import STANDARD
from helpers.models.patches import patchify
from helpers.runner import LocalRunner
from helpers.train import fit
from vitlab.course.parse import parse

SOURCE = Path(__file__).resolve().parent.parent / "solutions" / "07_masked_autoencoder.py"


@pytest.fixture(scope="module")
def solved():
    """The lesson's own pieces: its set-up and exercise cells, run."""
    namespace = {"__name__": "__main__"}
    for cell in parse(SOURCE, find=find, words=STANDARD.words()).cells:
        if cell.kind == "code" and ("setup" in cell.tags or "exercise" in cell.tags):
            exec(compile(cell.solved, str(SOURCE), "exec"), namespace)
    return namespace


def hugging_face(transformers, side, patch, channels, dim, depth, heads, decoder, ratio=0.75):
    """Hugging Face's model with random weights, far from zero so that every one of them matters."""
    torch.manual_seed(0)
    config = transformers.ViTMAEConfig(
        image_size=side,
        patch_size=patch,
        num_channels=channels,
        hidden_size=dim,
        num_hidden_layers=depth,
        num_attention_heads=heads,
        intermediate_size=4 * dim,
        decoder_hidden_size=decoder[0],
        decoder_num_hidden_layers=decoder[1],
        decoder_num_attention_heads=decoder[2],
        decoder_intermediate_size=4 * decoder[0],
        layer_norm_eps=1e-6,
        mask_ratio=ratio,
    )
    theirs = transformers.ViTMAEForPreTraining(config).eval()
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return theirs


SIZES = [
    pytest.param((28, 4, 1, 32, 2, 4, (16, 1, 2)), id="one-channel"),
    pytest.param((12, 3, 3, 24, 2, 3, (20, 2, 5), 0.5), id="three-channels"),
]


@pytest.mark.parametrize("whose", ["course", "lesson"])
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-5)])
@pytest.mark.parametrize("batch", [1, 3])
def test_it_is_hugging_faces_given_weights_and_noise(transformers, solved, whose, sizes, dtype, tolerance, batch):
    side, patch, channels, dim, depth, heads, decoder, *ratio = sizes
    theirs = hugging_face(transformers, *sizes).to(dtype)
    kind = mae.MaskedAutoencoder if whose == "course" else solved["MaskedAutoencoder"]
    ours = kind(side, patch, channels, dim, depth, heads, *decoder, *ratio).to(dtype)
    ours.load_state_dict(from_hugging_face_mae(theirs.state_dict(), channels))
    images = torch.randn(batch, channels, side, side, dtype=dtype)
    noise = torch.rand(batch, (side // patch) ** 2)
    with torch.no_grad():
        expected = theirs(images, noise=noise)
        embeddings, mask, ids_restore = ours.forward_encoder(images, noise.argsort(dim=1))
        painted = ours.forward_decoder(embeddings, ids_restore)
    assert torch.equal(mask.to(expected.mask.dtype), expected.mask)
    assert torch.equal(ids_restore, expected.ids_restore)
    target = patchify(images, patch)
    # theirs paints channel-last; its own unpatchify says which pixel is which
    theirs_as_ours = patchify(theirs.unpatchify(expected.logits), patch)
    assert theirs_as_ours.std() > 0.1  # patches that say something
    assert (painted - theirs_as_ours).abs().max() <= tolerance * theirs_as_ours.abs().max()
    loss = (mae.masked_loss if whose == "course" else solved["masked_loss"])(painted, target, mask)
    assert abs(loss - expected.loss) <= tolerance * expected.loss


def test_older_names_of_published_checkpoints_are_understood(transformers):
    new = hugging_face(transformers, 12, 3, 3, 24, 2, 3, (20, 1, 5)).state_dict()
    older_names = {
        "vit.layers.": "vit.encoder.layer.",
        ".attention.q_proj.": ".attention.attention.query.",
        ".attention.k_proj.": ".attention.attention.key.",
        ".attention.v_proj.": ".attention.attention.value.",
        ".attention.o_proj.": ".attention.output.dense.",
        ".mlp.fc1.": ".intermediate.dense.",
        ".mlp.fc2.": ".output.dense.",
    }
    old = {}
    for name, tensor in new.items():
        for now, then in older_names.items():
            name = name.replace(now, then)
        old[name] = tensor
    assert old.keys() != new.keys()
    converted, expected = from_hugging_face_mae(old, 3), from_hugging_face_mae(new, 3)
    assert converted.keys() == expected.keys()
    assert all(torch.equal(converted[name], expected[name]) for name in expected)


def test_a_name_of_another_model_is_refused():
    with pytest.raises(ValueError, match=r"'classifier\.weight' is not a parameter"):
        from_hugging_face_mae({"classifier.weight": torch.zeros(2, 2)}, 3)


def test_published_weights_load_into_the_lessons_class(transformers, solved, tmp_path, monkeypatch):
    sizes = (8, 4, 3, 8, 1, 2, (4, 1, 2))
    state = hugging_face(transformers, *sizes).state_dict()
    save_file({name: value.contiguous() for name, value in state.items()}, tmp_path / "model.safetensors")
    monkeypatch.setattr(hub_mae, "download", lambda name, file: tmp_path / file)

    def small(*asked):
        assert asked == (224, 16, 3, 768, 12, 12, 512, 8, 16)
        return solved["MaskedAutoencoder"](8, 4, 3, 8, 1, 2, 4, 1, 2)

    model = load_published_mae(small)
    assert not model.training
    with pytest.raises(HubError, match="do not fit"):
        load_published_mae(lambda *asked: solved["MaskedAutoencoder"](8, 4, 3, 12, 1, 2, 4, 1, 2))
    save_file({"fc.weight": torch.zeros(2, 2)}, tmp_path / "model.safetensors")
    with pytest.raises(HubError, match=r"do not fit .*'fc\.weight' is not a parameter"):
        load_published_mae(small)


def test_a_repository_without_safetensors_is_said_in_one_sentence(monkeypatch):
    import huggingface_hub
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    def without_file(name, file, local_files_only=False):
        raise LocalEntryNotFoundError("not here") if local_files_only else EntryNotFoundError("404\nand more lines")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", without_file)
    monkeypatch.setattr(hub, "_hub_answers", lambda name: True)
    with pytest.raises(
        HubError, match=r"facebook/vit-mae-base has no model\.safetensors.*nothing is unpickled"
    ) as error:
        load_published_mae(mae.MaskedAutoencoder)
    assert "\n" not in str(error.value)


def test_normalising_for_the_published_weights_can_be_undone():
    photograph = torch.rand(3, 8, 8)
    assert torch.allclose(hub_mae.denormalise(hub_mae.normalise(photograph)), photograph, atol=1e-6)


# ----------------------------------------------------------------------------------------------- the course's model
def small(ratio=0.75):
    torch.manual_seed(0)
    return mae.MaskedAutoencoder((8, 12), 4, 1, 8, 1, 2, 8, 1, 2, ratio)


@pytest.mark.parametrize(("ratio", "kept"), [(0.0, 6), (0.5, 3), (0.75, 1), (1.0, 0)])
def test_any_mask_ratio_from_0_to_1_works(ratio, kept):
    model, images = small(ratio), torch.randn(2, 1, 8, 12)
    embeddings, mask, ids_restore = model.forward_encoder(images, mae.random_order(2, 6))
    assert embeddings.shape == (2, 1 + kept, 8)
    assert mask.sum() == 2 * (6 - kept)
    assert model.forward_decoder(embeddings, ids_restore).shape == (2, 6, 16)


def test_a_mask_ratio_that_is_no_share_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="a share of the patches, from 0 to 1, but it is 75"):
        small(75)


def test_what_is_hidden_has_no_effect_on_the_encoder():
    model, images, order = small(0.5), torch.randn(1, 1, 8, 12), torch.tensor([[4, 0, 3, 1, 2, 5]])
    other = images.clone()
    other[..., 0:4, 4:12] += 100.0  # patches 1 and 2, which are hidden
    other[..., 4:8, 8:12] += 100.0  # patch 5
    before, after = (model.forward_encoder(x, order)[0] for x in (images, other))
    assert torch.equal(before, after)
    other[..., 4:8, 4:8] += 1.0  # patch 4 is kept
    assert not torch.equal(before, model.forward_encoder(other, order)[0])


def test_with_mask_tokens_the_encoder_reads_every_place_and_no_hidden_pixel():
    torch.manual_seed(0)
    model = mae.MaskTokensInEncoder((8, 12), 4, 1, 8, 1, 2, 8, 1, 2, 0.5)
    images, order = torch.randn(1, 1, 8, 12), torch.tensor([[4, 0, 3, 1, 2, 5]])
    embeddings, _, ids_restore = model.forward_encoder(images, order)
    assert embeddings.shape == (1, 7, 8)
    other = images.clone()
    other[..., 0:4, 4:12] += 100.0
    assert torch.equal(embeddings, model.forward_encoder(other, order)[0])
    assert model.forward_decoder(embeddings, ids_restore).shape == (1, 6, 16)


def test_the_encoder_goes_on_as_a_vit_with_the_same_weights():
    model, images = small(0.0), torch.randn(2, 1, 8, 12)
    vit = mae.encoder_of(model, num_classes=3)
    in_order = torch.arange(6).expand(2, -1)
    assert torch.allclose(vit.stages(images)["norm"], model.forward_encoder(images, in_order)[0], atol=1e-6)
    assert vit(images).shape == (2, 3)


def test_pre_training_makes_the_loss_smaller_and_is_repeatable():
    train = fashion_mnist("train", 256)
    histories = []
    for _ in range(2):
        torch.manual_seed(0)
        model = mae.MaskedAutoencoder(28, 7, 1, 16, 1, 2, 16, 1, 2)
        run = dict(epochs=4, batch_size=32, lr=5e-3, loss=mae.pretraining_loss, device="cpu", progress=False)
        histories.append(fit(model, train.images, train.labels, **run))
    assert histories[0] == histories[1]
    assert sum(histories[0].loss[-8:]) < 0.9 * sum(histories[0].loss[:8])


# --------------------------------------------------------------------------------------------------- the checkpoint
def test_the_checkpoint_is_small_and_as_good_as_it_says():
    assert (HERE / f"{NAME}.safetensors").stat().st_size <= 2_000_000
    about, model = facts(NAME), load_mae()
    train, test = fashion_mnist("train"), fashion_mnist("test")
    assert reconstruction_error(model, test.images) == pytest.approx(about["reconstruction_error"], abs=0.005)
    assert probe_accuracy(model, train, test) == pytest.approx(about["linear_probe_accuracy"], abs=0.5)


def test_the_checkpoint_paints_far_better_than_grey():
    test = fashion_mnist("test", 500)
    assert reconstruction_error(load_mae(), test.images) < 0.3  # plain grey has about 1


# ------------------------------------------------------------------------------------------------------ the figures
def test_figures_say_what_is_to_be_seen():
    test, model = fashion_mnist("test", 3), load_mae()
    with torch.no_grad():
        painted, mask = model(test.images, mae.random_order(3, 49))
    alt = figures.paintings(test.images, mask, {"one": painted, "two": patchify(test.images, 4)}, 4).alt
    assert "76% of the patches hidden" in alt  # 37 of 49
    assert "in 4 rows" in alt
    assert re.search(r"one: mean squared error 0\.[12]\d.*two: mean squared error 0\.00", alt)
    assert "only 12 of them kept" in figures.whole_model(test.images[0], 4, mask[0].bool()).alt
    assert "of 49 patches each, 12 are to be seen" in figures.masks(test.images, mask, 4).alt
    counted = {"all": 1.0, "a quarter": 4.2}
    assert "a quarter: 4.2 by operations, 3.5 measured" in figures.speed(counted, {"all": 1.0, "a quarter": 3.5}).alt
    assert "not been measured yet" in figures.speed(counted, {}).alt
    assert "75% hidden: 61.0%" in figures.ratio_sweep({"75% hidden": 61.0}, {}).alt
    assert "not measured yet" in figures.ratio_sweep({}, {}).alt
    shipped = {"random weights": [64.0, 65.0], "15% hidden": [70.0, 70.0]}
    assert "random weights: 64.5 ± 0.7%; 15% hidden: 70.0 ± 0.0%" in figures.ratio_sweep({}, shipped).alt
    photograph, patches = torch.rand(3, 8, 8), torch.rand(4, 48)
    assert "50% of its patches" in figures.painted_photo(photograph, torch.tensor([1, 0, 1, 0]), patches, 4, abs).alt


# --------------------------------------------------------------------------------------- the check, and what is claimed
class _InDtype(mae.MaskedAutoencoder):
    """Right, but for a mask in a dtype of its own."""

    dtype = torch.float32

    def forward_encoder(self, images, ids_shuffle):
        embeddings, mask, ids_restore = super().forward_encoder(images, ids_shuffle)
        return embeddings, self.mask(mask).to(self.dtype), ids_restore

    def mask(self, mask):
        return mask


class _Inverted(_InDtype):
    def mask(self, mask):
        return 1 - mask


DTYPES = (torch.float16, torch.float32, torch.float64, torch.bool, torch.uint8, torch.int32, torch.int64)


def verdict_on(identifier, answer):
    return judge(find(identifier), LocalRunner({identifier: answer}, lambda name: find(name).reference))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_mask_with_the_right_values_is_right_in_any_dtype_and_an_inverted_one_wrong(dtype):
    def right(x, keep_length, ids_shuffle):
        kept, mask, ids_restore = mae.random_masking(x, keep_length, ids_shuffle)
        return kept, mask.to(dtype), ids_restore

    def inverted(x, keep_length, ids_shuffle):
        kept, mask, ids_restore = mae.random_masking(x, keep_length, ids_shuffle)
        return kept, (1 - mask).to(dtype), ids_restore

    assert verdict_on("random_masking", right).kind == "right"
    assert verdict_on("random_masking", inverted).mistake == "mask inverted"
    assert verdict_on("MaskedAutoencoder", type("Mine", (_InDtype,), {"dtype": dtype})).kind == "right"
    assert verdict_on("MaskedAutoencoder", type("Mine", (_Inverted,), {"dtype": dtype})).mistake == "mask inverted"


@pytest.mark.parametrize("identifier", [item.id for item in items("07") if isinstance(item, Experiment)])
def test_what_was_measured_bears_out_what_the_lesson_says(identifier):
    shipped = load_shipped("07_masked_autoencoder")[identifier]
    assert all(len(numbers) >= 3 for numbers in shipped.values())
    means = {variant: statistics.mean(numbers) for variant, numbers in shipped.items()}
    result = Result(find(identifier), find(identifier).outcome, means, {}, shipped)
    assert [claim for claim in find(identifier).claims if not result.holds(claim)] == []


def test_every_percentage_in_the_text_is_a_published_one_that_its_experiment_cites():
    text = "\n".join(line for line in SOURCE.read_text(encoding="utf-8").splitlines() if line.startswith("# "))
    cited = {value for item in items("07") if isinstance(item, Experiment) for finding in item.published
             for value in finding.values.values()}  # fmt: skip
    decimals = re.findall(r"(?<![\w./=])\d+\.\d+(?!\w|/|\.\d)", text)  # no addresses, no arguments
    named = {float(number) for number in decimals}
    assert len(named) >= 6
    assert named <= cited


def test_the_text_on_seeds_and_on_speed_agrees_with_what_was_measured():
    text = SOURCE.read_text(encoding="utf-8").replace("\n# ", " ")
    shipped = load_shipped("07_masked_autoencoder")
    sweep, speed = shipped["predict_mask_ratio"], shipped["predict_encoder_time"]
    assert "for every seed that was shipped" in text
    assert all(low > high for low, high in zip(sweep["15% hidden"], sweep["75% hidden"], strict=True))
    assert "worth hardly more than random weights" in text
    assert statistics.mean(sweep["90% hidden"]) - statistics.mean(sweep["random weights"]) < 2
    assert "no more than a little over random weights" in text
    tokens = shipped["predict_mask_tokens"]
    assert statistics.mean(tokens["mask tokens"]) - statistics.mean(tokens["random weights"]) < 2
    assert "Near four and far from sixteen" in text
    assert 3 < statistics.mean(speed["a quarter of them"]) < 5
