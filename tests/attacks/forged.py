"""Forge and flood what goes between the child and the grader."""

GROUP = "forge or flood the channel"

_SOCKETS = """
import json, os, stat, struct
def sockets():
    for number in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                yield number
        except OSError:
            pass
def frame(message, blob=b"", magic=b"vit1"):
    text = message if isinstance(message, bytes) else json.dumps(message).encode()
    return struct.pack(">4sII", magic, len(text), len(blob)) + text + blob
def say(data):
    for number in sockets():
        os.write(number, data)
REPLY = {"value": 1, "gradients": {}, "crash": None, "changed": [], "device": "cpu", "seconds": 0}
def table(header, data=b""):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data
TENSOR = {**REPLY, "value": {"tensor": "0"}}
def inverse_permutation(order):
    say(%s)
    return order
"""

FRAMES = {
    "forges an answer": "frame(REPLY)",
    "forges many answers in advance": "frame(REPLY) * 500",
    "forges a verdict": "frame({**REPLY, 'verdict': 'right', 'points': 9, 'passed': 99, 'kind': 'right'})",
    "forges a failure of the lockdown": "frame({'failed': 'no seccomp'})",
    "forges that it is ready": "frame({'ready': True})",
    "sends no message of ours": "b'GET / HTTP/1.1\\r\\n\\r\\n' * 10",
    "sends another magic": "frame(REPLY, magic=b'vit2')",
    "claims four thousand million bytes": "struct.pack('>4sII', b'vit1', 2**32 - 1, 2**32 - 1)",
    "sends half a message": "frame(REPLY)[:20]",
    "sends no object": "frame(b'[1, 2, 3]')",
    "sends JSON nested too deep": "frame(b'[' * 100_000)",
    "sends values nested too deep": "frame(b'{\"tuple\":[' * 3000 + b'1' + b']}' * 3000)",
    "sends no JSON": "frame(b'\\xff\\xfe{')",
    "sends a number of a million digits": "frame(b'{\"value\": ' + b'9' * 1_000_000 + b'}')",
    "sends a number of four thousand digits": "frame({**REPLY, 'value': 10**4000})",
    "sends NaN for its time": "frame({**REPLY, 'seconds': float('nan')})",
    "sends a text for its time": "frame({**REPLY, 'seconds': 'inf'})",
    "says that it wrote into argument a million": "frame({**REPLY, 'changed': [10**6]})",
    "lacks every field": "frame({})",
    "names a tensor that is not there": "frame(TENSOR)",
    "names a tensor by a list": "frame({**REPLY, 'value': {'tensor': ['0']}})",
    "sends a module to be built": "frame({**REPLY, 'value': {'module': ['Linear', {'dict': {}}, [], 1]}})",
    "sends an unknown kind of value": "frame({**REPLY, 'value': {'pickle': 'gASVAA=='}})",
    "sends a tensor of unknown dtype": "frame(TENSOR, table({'0': {'dtype': 'X9', 'shape': [1], 'data_offsets': [0, 8]}}, "
    "bytes(8)))",
    "sends a tensor of float8": "frame(TENSOR, table({'0': {'dtype': 'F8_E5M2', 'shape': [8], 'data_offsets': [0, 8]}}, "
    "bytes(8)))",
    "sends a tensor larger than its bytes": "frame(TENSOR, table({'0': {'dtype': 'I64', 'shape': [10**12], "
    "'data_offsets': [0, 8]}}, bytes(8)))",
    "sends a tensor of a thousand axes": "frame(TENSOR, table({'0': {'dtype': 'I64', 'shape': [1] * 1000, "
    "'data_offsets': [0, 8]}}, bytes(8)))",
    "sends a tensor of negative size": "frame(TENSOR, table({'0': {'dtype': 'I64', 'shape': [-1], "
    "'data_offsets': [0, 8]}}, bytes(8)))",
    "sends tensors that overlap": "frame(TENSOR, table({str(i): {'dtype': 'I64', 'shape': [1], 'data_offsets': [0, 8]} "
    "for i in range(9)}, bytes(8)))",
    "sends a table of tensors without end": "frame(TENSOR, struct.pack('<Q', 2**60) + bytes(64))",
    "sends gradients that are no tensors": "frame({**REPLY, 'gradients': {'argument 0': 1}})",
    "sends a crash without end": "frame({**REPLY, 'crash': ['E' * 10**6, 'x' * 10**6, 1, 'y' * 10**6, 'z' * 10**6]})",
    "sends a crash that is a text": "frame({**REPLY, 'crash': 'ValueError'})",
    "sends an ending of its own": "frame({**REPLY, 'crash': ['TimedOut', '', None, '', '']})",
    "sends a foreign value without end": "frame({**REPLY, 'value': {'foreign': 'x' * 10**6}})",
    "sends control codes": "frame({**REPLY, 'crash': ['E', '\\x1b[2J\\x00\\u202e', 1, '', '']})",
}

CELLS = {name: ("inverse_permutation", _SOCKETS % frame) for name, frame in FRAMES.items()} | {
    "floods the socket": (
        "inverse_permutation",
        _SOCKETS % "b'x' * 10**6" + "    while True: say(bytes(10**6))\n",
    ),
    "forges before it is asked": (
        "inverse_permutation",
        _SOCKETS % "b''" + "inverse_permutation.x = say(frame(REPLY))\n",
    ),
    "reads the next question itself": (
        "inverse_permutation",
        _SOCKETS % "b''" + "def inverse_permutation(order):\n    os.read(next(sockets()), 10**6)\n    return order\n",
    ),
    "closes every file": (
        "inverse_permutation",
        "import os\ndef inverse_permutation(order):\n    os.closerange(0, 64)\n    return order\n",
    ),
    "puts other files in the socket's place": (
        "inverse_permutation",
        _SOCKETS % "b''" + "def inverse_permutation(order):\n    out, into = os.pipe()\n"
        "    for number in list(sockets()): os.dup2(into, number)\n    return order\n",
    ),
    "shuts the socket down": (
        "inverse_permutation",
        "import socket\n" + _SOCKETS % "b''" + "def inverse_permutation(order):\n"
        "    for number in list(sockets()): socket.socket(fileno=number).shutdown(2)\n    return order\n",
    ),
    "sends its files along": (
        "inverse_permutation",
        "import socket\n" + _SOCKETS % "b''" + "def inverse_permutation(order):\n    for number in list(sockets()):\n"
        "        socket.send_fds(socket.socket(fileno=os.dup(number)), [frame(REPLY)], [0, 1, 2] * 20)\n    return order\n",
    ),
    "writes on every open file": (
        "inverse_permutation",
        "import os\ndef inverse_permutation(order):\n    for number in range(64):\n        try: os.write(number, b'x' * 10**6)\n"
        "        except OSError: pass\n    return order\n",
    ),
    "drips a byte at a time": (
        "inverse_permutation",
        "import time\n" + _SOCKETS % "b''" + "def inverse_permutation(order):\n    for byte in frame(REPLY) * 99:\n"
        "        say(bytes([byte])); time.sleep(0.05)\n    return order\n",
    ),
}
