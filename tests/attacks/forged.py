"""Forge and flood what goes between the child and the grader."""

from textwrap import dedent

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
def tensor(dtype, shape, names=("0",)):
    return frame(TENSOR, table({n: {"dtype": dtype, "shape": shape, "data_offsets": [0, 8]} for n in names}, bytes(8)))
"""
_SAYS = """
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
    "sends a tensor of unknown dtype": "tensor('X9', [1])",
    "sends a tensor of float8": "tensor('F8_E5M2', [8])",
    "sends a tensor larger than its bytes": "tensor('I64', [10**12])",
    "sends a tensor of a thousand axes": "tensor('I64', [1] * 1000)",
    "sends a tensor of negative size": "tensor('I64', [-1])",
    "sends tensors that overlap": "tensor('I64', [1], '012345678')",
    "sends a table of tensors without end": "frame(TENSOR, struct.pack('<Q', 2**60) + bytes(64))",
    "sends gradients that are no tensors": "frame({**REPLY, 'gradients': {'argument 0': 1}})",
    "sends a crash without end": "frame({**REPLY, 'crash': ['E' * 10**6, 'x' * 10**6, 1, 'y' * 10**6, 'z' * 10**6]})",
    "sends a crash that is a text": "frame({**REPLY, 'crash': 'ValueError'})",
    "sends an ending of its own": "frame({**REPLY, 'crash': ['TimedOut', '', None, '', '']})",
    "sends a foreign value without end": "frame({**REPLY, 'value': {'foreign': 'x' * 10**6}})",
    "sends control codes": "frame({**REPLY, 'crash': ['E', '\\x1b[2J\\x00\\u202e', 1, '', '']})",
}

_CELLS = {
    "floods the socket": """
        def inverse_permutation(order):
            while True:
                say(bytes(10**6))
    """,
    "forges before it is asked": """
        def inverse_permutation(order):
            return order
        inverse_permutation.forged = say(frame(REPLY))
    """,
    "reads the next question itself": """
        def inverse_permutation(order):
            os.read(next(sockets()), 10**6)
            return order
    """,
    "closes every file": """
        def inverse_permutation(order):
            os.closerange(0, 64)
            return order
    """,
    "puts other files in the socket's place": """
        def inverse_permutation(order):
            out, into = os.pipe()
            for number in list(sockets()):
                os.dup2(into, number)
            return order
    """,
    "shuts the socket down": """
        import socket
        def inverse_permutation(order):
            for number in list(sockets()):
                socket.socket(fileno=number).shutdown(2)
            return order
    """,
    "sends its files along": """
        import socket
        def inverse_permutation(order):
            for number in list(sockets()):
                socket.send_fds(socket.socket(fileno=os.dup(number)), [frame(REPLY)], [0, 1, 2] * 20)
            return order
    """,
    "writes on every open file": """
        def inverse_permutation(order):
            for number in range(64):
                try:
                    os.write(number, b"x" * 10**6)
                except OSError:
                    pass
            return order
    """,
    "drips a byte at a time": """
        import time
        def inverse_permutation(order):
            for byte in frame(REPLY) * 99:
                say(bytes([byte]))
                time.sleep(0.05)
            return order
    """,
}

CELLS = {name: ("inverse_permutation", _SOCKETS + _SAYS % said) for name, said in FRAMES.items()}
CELLS |= {name: ("inverse_permutation", _SOCKETS + dedent(cell)) for name, cell in _CELLS.items()}
