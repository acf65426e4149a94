"""What goes between grader and worker: exact types, nothing else, never more than a message may hold."""

import json
import socket

import pytest
import torch

from helpers.runner import Call, Crash, Foreign, Reply, TorchModule
from vitlab.grading import channel
from vitlab.grading.extract import Unreadable, extract, read_notebook
from vitlab.grading.levels import LEVELS, NO_ISOLATION, Unsafe, best_level


def through_a_socket(data):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(data)
        ours.shutdown(socket.SHUT_WR)
        return channel.receive(theirs)


def test_a_call_arrives_as_it_was():
    call = Call(
        args=(torch.arange(6).reshape(2, 3).T, [1, (2.5, None)], {"a": True}, TorchModule("Conv2d", {"bias": False})),
        build=(8, "x"),
        state={"w": torch.zeros(2, dtype=torch.float64)},
        gradients=True,
        seed=3,
    )
    came = channel.call_from_data(*through_a_socket(channel.pack(*channel.call_as_data(call))))
    assert torch.equal(came.args[0], call.args[0])
    assert came.args[1:] == call.args[1:]
    assert came.build == call.build
    assert came.state["w"].dtype == torch.float64
    assert (came.gradients, came.seed, came.method) == (True, 3, "__call__")


def test_a_reply_arrives_as_it_was():
    reply = Reply((torch.tensor([True]), Foreign("numpy.ndarray")), {"w": torch.ones(2)}, Crash("E", "m", 3, "t", "f"))
    came = channel.reply_from_data(*through_a_socket(channel.pack(*channel.reply_as_data(reply))), arguments=1)
    assert came.value[0].dtype == torch.bool
    assert came.value[1] == Foreign("numpy.ndarray")
    assert came.crash == reply.crash


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        channel.HEADER.pack(channel.MAGIC, 2**32 - 1, 0),
        channel.HEADER.pack(channel.MAGIC, 0, channel.MOST_TENSORS + 1),
        channel.HEADER.pack(channel.MAGIC, 3, 0) + b"[1]",
        channel.HEADER.pack(channel.MAGIC, 2, 4) + b"{}\xff\xff\xff\xff",
        channel.HEADER.pack(channel.MAGIC, 100_000, 0) + b"[" * 100_000,
    ],
)
def test_bytes_that_are_no_message_are_told_so(data):
    with pytest.raises(channel.Garbled):
        through_a_socket(data)


GOOD = {"value": 1, "gradients": {}, "crash": None, "changed": [], "device": "cpu", "seconds": 0.1}


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": {"tensor": "7"}},
        {"value": {"object": "os.system"}},
        {"value": [1]},
        {"gradients": {"w": 1}},
        {"changed": [5]},
        {"changed": [True]},
        {"seconds": float("nan")},
        {"device": 3},
        {"crash": ["E"]},
        {"value": json.loads('{"list": [' * 30 + "1" + "]}" * 30)},
    ],
    ids=str,
)
def test_a_reply_of_other_types_is_garbled(wrong):
    channel.reply_from_data(GOOD, {}, arguments=1)
    with pytest.raises(channel.Garbled):
        channel.reply_from_data(GOOD | wrong, {}, arguments=1)


def test_a_message_that_is_too_large_is_not_sent():
    with pytest.raises(channel.Garbled, match="more than may be sent"):
        channel.pack({}, {"big": torch.zeros(channel.MOST_TENSORS, dtype=torch.uint8)})


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"[]", b'{"nbformat": 3, "cells": []}', b"[" * 100_000])
def test_a_file_that_is_no_notebook_gets_a_sentence(data):
    with pytest.raises(Unreadable, match=r"\.$"):
        read_notebook(data)


def test_answers_are_found_by_name_where_ids_are_lost_with_what_they_use():
    sources = ["import math\nSCALE = 2", "def unused(): pass", "def helper(x): return SCALE * x", "print(1)\nexit()"]
    cells = [{"cell_type": "code", "source": source} for source in [*sources, "def patchify(a, b): return helper(a)"]]
    found = [source.strip() for _, source, _ in extract(cells, []).sources("patchify")]
    assert found == ["SCALE = 2", "def helper(x): return SCALE * x", "def patchify(a, b): return helper(a)"]


def test_without_isolation_nothing_is_graded_unless_it_is_allowed(monkeypatch):
    monkeypatch.setattr("vitlab.grading.levels._why_not", lambda level: "not here")
    with pytest.raises(Unsafe, match=r"no isolation.*not here.*--unsafe"):
        best_level()
    assert best_level(unsafe=True) == NO_ISOLATION
    monkeypatch.setattr("vitlab.grading.levels._why_not", lambda level: None)
    assert best_level() == LEVELS[0]
