"""Lesson 09: the model is GPT, nothing leaks, draws follow their chances, caches change nothing, texts are true."""

import json
import math
import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from helpers.data import fashion_mnist
from helpers.exercises import find
from helpers.exercises.judge import RIGHT, WRONG, judge
from helpers.models.checkpoints import facts
from helpers.models.checkpoints.image_gpt_fashion import load_image_gpt
from helpers.models.codes import Codebook, learn_codebook, nearest_code
from helpers.models.conventions import STANDARD
from helpers.models.image_gpt import (
    ImageGPT,
    bits_of_places,
    bits_per_picture,
    measure_bits,
    next_code_loss,
)
from helpers.models.ngrams import bigram_bits, place_bits, unigram_bits
from helpers.models.patches import patchify
from helpers.models.sampling import next_probabilities, sample, sample_cached
from helpers.papers import AIM_ORDER, AIM_TARGET, IGPT_PALETTE, IGPT_PROBE
from helpers.runner import LocalRunner
from helpers.train import fit
from vitlab.course.parse import parse

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "solutions" / "09_autoregressive_images.py"
MEASURED = ROOT / "helpers" / "measured" / "09_autoregressive_images.json"


@pytest.fixture(scope="module")
def solved():
    """What the solved lesson's exercise cells define, and nothing else of the lesson."""
    namespace = {}
    start = "import math\nimport torch\nimport torch.nn.functional as F\nfrom torch import nn\n"
    exec(start + "from helpers.models.image_gpt import CausalBlock", namespace)
    for cell in parse(SOURCE, find=find, words=STANDARD.words()).cells:
        if cell.task == "exercise":
            exec(compile(cell.solved, f"{SOURCE.name}:{cell.line}", "exec"), namespace)
    return namespace


def tiny(seed=0, **options):
    torch.manual_seed(seed)
    model = ImageGPT(**{**dict(vocabulary=11, length=9, dim=24, depth=3, heads=4, starts=3), **options}).double()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model.eval()


# ----------------------------------------------------------------------------------------------------- the model is GPT


def gpt2(transformers, model):
    """Hugging Face's GPT-2 with the weights of one of ours."""
    vocabulary, dim = model.head.weight.shape
    config = transformers.GPT2Config(
        vocab_size=model.token_embed.num_embeddings,
        n_positions=model.pos_embed.shape[1],
        n_embd=dim,
        n_layer=len(model.blocks),
        n_head=model.blocks[0].attn.heads,
        activation_function="gelu",
        layer_norm_epsilon=1e-6,
        tie_word_embeddings=False,
    )
    theirs = transformers.GPT2LMHeadModel(config).double().eval()
    state = {"transformer.wte.weight": model.token_embed.weight, "transformer.wpe.weight": model.pos_embed[0]}
    names = {"norm1": "ln_1", "norm2": "ln_2", "attn.qkv": "attn.c_attn", "attn.proj": "attn.c_proj"}
    names |= {"mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj"}
    for i in range(len(model.blocks)):
        for ours, their in names.items():
            for kind in ("weight", "bias"):
                value = model.get_parameter(f"blocks.{i}.{ours}.{kind}")
                state[f"transformer.h.{i}.{their}.{kind}"] = value.T if value.ndim == 2 else value
    state |= {f"transformer.ln_f.{kind}": getattr(model.norm, kind) for kind in ("weight", "bias")}
    state["lm_head.weight"] = torch.cat([model.head.weight, torch.zeros(config.vocab_size - vocabulary, dim)])
    missing = theirs.load_state_dict(state, strict=False).missing_keys
    assert all(name.endswith(("attn.bias", "attn.masked_bias")) for name in missing)
    return theirs


@pytest.mark.parametrize("whose", ["course", "student"])
def test_image_gpt_gives_the_logits_of_hugging_face_gpt2(solved, transformers, whose):
    model = tiny()
    torch.nn.init.zeros_(model.head.bias)  # GPT-2's head has none
    tokens = torch.randint(14, (3, 7))
    with torch.no_grad():
        expected = gpt2(transformers, model)(tokens).logits[..., :11]
        if whose == "student":
            theirs = solved["ImageGPT"](11, 9, 24, 3, 4, 3).double()
            theirs.load_state_dict(model.state_dict())
            model = theirs
        found = model(tokens)
    assert expected.std() > 0.1
    assert (found - expected).abs().max() < 1e-9


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_changed_token_changes_no_bit_before_it(dtype):
    model = tiny().to(dtype)
    tokens = torch.randint(11, (4, 9))
    with torch.no_grad():
        before = model(tokens)
        for j in range(9):
            changed = tokens.clone()
            changed[:, j] = (changed[:, j] + 1) % 11
            after = model(changed)
            assert torch.equal(after[:, :j], before[:, :j])
            assert not torch.equal(after[:, j:], before[:, j:])


def test_a_model_that_is_too_small_or_a_sequence_that_is_too_long_is_told_so():
    with pytest.raises(ValueError, match="at least 1 as its starts, but it is 0"):
        ImageGPT(5, 4, 8, 1, 2, starts=0)
    with pytest.raises(ValueError, match="multiple of the number of heads"):
        ImageGPT(5, 4, 8, 1, 3)
    with pytest.raises(ValueError, match="reads at most 9 tokens, but 10 came"):
        tiny()(torch.zeros(1, 10, dtype=torch.long))


def test_fit_trains_on_codes(transformers):
    codes, labels = torch.randint(11, (64, 9), generator=torch.Generator().manual_seed(0)), torch.arange(64) % 3
    codes[:, 1:] = codes[:, :1]  # nine times the same code
    torch.manual_seed(0)
    model = ImageGPT(11, 9, 24, 1, 4, starts=3)
    history = fit(model, codes, labels, epochs=30, batch_size=16, lr=1e-2, loss=next_code_loss, progress=False)
    assert history.loss[-1] < 0.5 * math.log(11)
    assert measure_bits(model.eval(), codes, labels) < 9 * math.log2(11) / 2


# -------------------------------------------------------------------------------------------------------------- drawing


@pytest.mark.parametrize(("temperature", "top_k"), [(1.0, None), (0.7, 3), (0, None), (2.0, 99)])
def test_the_cache_draws_the_same_sequences(temperature, top_k):
    model, prompt = tiny(), torch.tensor([[11, 3, 5], [13, 0, 10]])
    drawn = [
        how(model, prompt, 9, temperature, top_k, torch.Generator().manual_seed(7)) for how in (sample, sample_cached)
    ]
    assert torch.equal(*drawn)
    assert torch.equal(drawn[0][:, :3], prompt)


def test_the_cache_gives_the_logits_of_a_full_pass_in_pieces_of_any_size():
    model, tokens = tiny(), torch.randint(11, (2, 9))
    with torch.no_grad():
        expected, cache, pieces = model(tokens), None, []
        for piece in tokens.split([1, 3, 1, 4], dim=1):
            logits, cache = model.extend(piece, cache)
            pieces.append(logits)
    assert (torch.cat(pieces, 1) - expected).abs().max() < 1e-12
    assert cache[0][0].shape == (2, 4, 9, 6)


def test_temperature_0_and_top_1_are_greedy_and_a_large_top_k_cuts_nothing():
    model, prompt = tiny(), torch.tensor([[12]])
    greedy = sample(model, prompt, 9, temperature=0)
    assert torch.equal(sample(model, prompt, 9, top_k=1), greedy)
    assert torch.equal(sample(model, prompt, 9, temperature=1e-30), greedy)
    logits = torch.randn(4, 11)
    assert torch.equal(next_probabilities(logits, 1.3, 11), next_probabilities(logits, 1.3, None))
    assert torch.equal(next_probabilities(logits, 1.3, 500), next_probabilities(logits, 1.3, None))


def test_draws_come_as_often_as_their_chances_say():
    model, count = tiny(), 20_000
    drawn = sample(model, torch.full((count, 1), 11), 2, 0.8, 4, torch.Generator().manual_seed(0))[:, 1]
    with torch.no_grad():
        chances = next_probabilities(model(torch.tensor([[11]]))[0, -1], 0.8, 4)
    assert (chances > 0).sum() == 4
    shares = drawn.bincount(minlength=11) / count
    assert ((shares - chances).abs() <= 5 * (chances * (1 - chances) / count).sqrt()).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (dict(temperature=-0.1), "0 .always the most likely token. or above, but it is -0.1"),
        (dict(temperature=math.nan), "but it is nan"),
        (dict(top_k=0), "at least 1, or None for no limit, but it is 0"),
        (dict(length=1), r"n from 1 to the length of the result, 1, but it is \(1, 2\)"),
        (dict(prompt=torch.zeros(1, 0, dtype=torch.long)), "Begin with a start token"),
        (dict(prompt=torch.tensor([11])), r"it is \(1,\)"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(options, words):
    arguments = {"prompt": torch.tensor([[11, 2]]), "length": 4, **options}
    for how in (sample, sample_cached):
        with pytest.raises(ValueError, match=words):
            how(tiny(), **arguments)


def test_the_check_of_sample_accepts_any_seed_of_the_global_random_numbers():
    """Right answers draw by chance: over many seeds of the check none may be refused."""
    exercise = find("sample")
    runner = LocalRunner({"sample": lambda *args: sample(*args)}, None)
    assert {judge(exercise, runner, seed).kind for seed in range(40)} == {RIGHT}


def test_the_check_of_sample_sees_chances_that_are_a_little_off():
    def off(model, prompt, length, temperature=1.0, top_k=None, generator=None):
        return sample(model, prompt, length, 1.4 * temperature, top_k)

    verdict = judge(find("sample"), LocalRunner({"sample": off}, lambda name: find(name).reference))
    assert verdict.kind == WRONG
    assert re.search(r"comes up in \d+% and should in about \d+%", verdict.message)


# ----------------------------------------------------------------------------------------------------- codes and rulers


def test_codes_are_the_nearest_words_and_decode_to_them():
    images = fashion_mnist("train", 60).images
    codebook = learn_codebook(images, words=20)
    codes = codebook.encode(images)
    assert codes.shape == (60, 49)
    again = codebook.encode(codebook.decode(codes, (28, 28)))
    assert torch.equal(again, codes)
    coarse, fine = (Codebook(codebook.words[:few], 4) for few in (2, 20))
    errors = [(book.decode(book.encode(images), (28, 28)) - images).square().mean() for book in (coarse, fine)]
    assert errors[1] < errors[0]


def test_no_two_words_are_so_near_that_rounding_could_choose_between_them():
    """Empty patches are a third of all: with two words for them codes would differ from machine to machine."""
    images = fashion_mnist("test").images
    for codebook in (load_image_gpt()[1], learn_codebook(fashion_mnist("train", 1000).images)):
        words = codebook.words.double()
        assert torch.pdist(words).min() > 0.1
        exact = torch.cdist(patchify(images, 4).double(), words).argmin(-1)
        assert (codebook.encode(images) != exact).float().mean() < 1e-4


def test_more_words_than_patches_are_refused():
    with pytest.raises(ValueError, match="50 words need at least as many patches, but there are 49"):
        learn_codebook(fashion_mnist("train", 1).images, words=50)


def test_nearest_code_agrees_with_all_distances():
    patches, words = torch.randn(50, 6, dtype=torch.float64) + 3, torch.randn(9, 6, dtype=torch.float64) + 3
    assert torch.equal(nearest_code(patches, words), torch.cdist(patches, words).argmin(1))


def test_the_rulers_count_right():
    train, test = torch.tensor([[0, 1, 0, 1], [0, 1, 1, 1]]), torch.tensor([[0, 1, 1, 0]])
    p0 = (3 + 0.1) / (8 + 0.2)
    assert unigram_bits(train, test, 2) == pytest.approx(-2 * math.log2(p0) - 2 * math.log2(1 - p0))
    places = [2.1 / 2.2, 2.1 / 2.2, 1.1 / 2.2, 0.1 / 2.2]
    assert place_bits(train, test, 2) == pytest.approx(-sum(math.log2(p) for p in places))
    # after the start: 0 0; after 0: 1 1 1; after 1: 0 1 1
    pairs = [2.1 / 2.2, 3.1 / 3.2, 2.1 / 3.2, 1.1 / 3.2]
    assert bigram_bits(train, test, 2) == pytest.approx(-sum(math.log2(p) for p in pairs))


def test_bits_are_the_loss_in_another_unit():
    logits, codes = torch.randn(5, 9, 11, dtype=torch.float64), torch.randint(11, (5, 9))
    nats = F.cross_entropy(logits.flatten(0, 1), codes.flatten()).item()
    assert bits_per_picture(logits, codes) == pytest.approx(9 * nats / math.log(2))
    assert bits_of_places(logits, codes).sum().item() == pytest.approx(bits_per_picture(logits, codes))
    assert bits_of_places(logits, codes, each=True).shape == (5, 9)
    assert bits_per_picture(torch.zeros(2, 49, 256), torch.zeros(2, 49, dtype=torch.long)) == pytest.approx(392)


# ------------------------------------------------------------------------------------------------------- the checkpoint


def test_the_shipped_model_is_as_good_as_its_facts_say():
    about = facts("image_gpt_fashion")
    model, codebook = load_image_gpt()
    test = fashion_mnist("test")
    codes = codebook.encode(test.images)
    assert measure_bits(model, codes, test.labels) == pytest.approx(about["bits_per_picture"], abs=0.5)
    error = (codebook.decode(codes, (28, 28)) - test.images).square().mean().item()
    assert error == pytest.approx(about["codebook_error"], abs=0.001)
    assert about["bits_per_picture"] < 0.75 * about["bigram_bits"] < about["bits_by_place"] < about["unigram_bits"]


def test_the_shipped_model_draws_what_it_is_told():
    """A classifier of real pictures recognises most of the drawn ones."""
    from helpers.models.checkpoints import load_vit

    model, codebook = load_image_gpt()
    labels = torch.arange(10).repeat(10)
    drawn = sample_cached(model, 256 + labels[:, None], 50, 0.9, None, torch.Generator().manual_seed(0))[:, 1:]
    with torch.no_grad():
        named = load_vit()(codebook.decode(drawn, (28, 28))).argmax(1)
    assert (named == labels).float().mean() > 0.5


# ------------------------------------------------------------------------------------------------------------- the text


def text():
    return SOURCE.read_text(encoding="utf-8")


def test_the_orders_in_the_text_are_those_of_the_paper():
    rows = dict(re.findall(r"# \| (raster|checkerboard|spiral|random) \| ([\d.]+)% \|", text()))
    assert {name: float(value) for name, value in rows.items()} == AIM_ORDER.values


def test_other_published_numbers_in_the_text_are_those_of_the_papers():
    assert f"iGPT: {IGPT_PALETTE.values['colours']} colours" in text()
    assert f"{IGPT_PALETTE.values['colours']} colours by k-means" in text()
    assert f"({IGPT_PROBE.values['cifar_probe']}% on CIFAR-10 by linear probe)" in text()
    assert f"up to {AIM_TARGET.values['largest_billion']} billion parameters" in text()


def test_the_rulers_that_the_question_tells_are_the_measured_ones():
    shipped = json.loads(MEASURED.read_text(encoding="utf-8"))["experiments"]["predict_bits"]
    for name, word in (("words by themselves (unigram)", "unigram"), ("words by the one before (bigram)", "bigram")):
        (told,) = set(re.findall(rf"the {word} about (\d+)", text().replace("\n# ", " ")))
        assert shipped[name][0] == pytest.approx(float(told), abs=5)


def test_the_measured_orders_agree_with_the_outcome():
    shipped = json.loads(MEASURED.read_text(encoding="utf-8"))["experiments"]
    assert set(shipped) == {"predict_bits", "predict_order", "predict_cache"}
    orders = shipped["predict_order"]
    assert all(a < b for a, b in zip(orders["ImageGPT, row by row"], orders["ImageGPT, random order"], strict=True))
    assert all(ratio > 2 for ratio in shipped["predict_cache"]["with a cache"])
