"""Reach another machine or another process by any family of sockets. All addresses are of this machine."""

GROUP = "network of any family"
WALLS = True  # they depend on the level of isolation


def _opens(family: str, kind: str = "SOCK_STREAM", protocol: str = "0", use: str = "pass") -> str:
    return f"""
import socket
with socket.socket({family}, socket.{kind}, {protocol}) as end:
    end.settimeout(0.3)
    {use}
return order
"""


BODIES = {
    "TCP": "import socket\nreturn socket.create_connection(('127.0.0.1', 80), 1)",
    "TCP over IPv6": _opens("socket.AF_INET6", use="end.connect(('::1', 80))"),
    "UDP": _opens("socket.AF_INET", "SOCK_DGRAM", use="end.sendto(b'x', ('127.0.0.1', 53))"),
    "ICMP": _opens("socket.AF_INET", "SOCK_DGRAM", "1", "end.sendto(b'x', ('127.0.0.1', 0))"),
    "raw packets": _opens("socket.AF_PACKET", "SOCK_RAW", "socket.htons(3)"),
    "listening": _opens("socket.AF_INET", use="end.bind(('127.0.0.1', 0)); end.listen(); end.accept()"),
    "a name": "import socket\nreturn socket.getaddrinfo('localhost.localdomain.invalid', 80)",
    "a web page": "import urllib.request\nreturn urllib.request.urlopen('http://127.0.0.1/', timeout=1)",
    "a socket in a file": _opens("socket.AF_UNIX", use="end.connect('/run/dbus/system_bus_socket')"),
    "a socket with an abstract name": _opens("socket.AF_UNIX", use="end.connect('\\0attacked')"),
    "netlink": _opens("socket.AF_NETLINK", "SOCK_RAW", use="end.bind((0, 0)); end.recv(1)"),
    "vsock": _opens("40", use="end.connect((1, 9))"),  # 1: this machine itself
    "kernel crypto": _opens("38", "SOCK_SEQPACKET", use="end.bind(('hash', 'sha256'))"),
    "bluetooth": _opens("31", "SOCK_RAW", "1"),
    "CAN": _opens("29", "SOCK_RAW", "1"),
    "TIPC": _opens("30", "SOCK_RDM"),
    "a pair of sockets": "import socket\nsocket.socketpair()\nreturn order",
    "torch's store": """
        import datetime, torch.distributed as dist
        return dist.TCPStore("127.0.0.1", 29999, 1, True, timeout=datetime.timedelta(seconds=1))
    """,
    "asyncio": """
        import asyncio
        async def main():
            return await asyncio.open_connection("127.0.0.1", 80)
        return asyncio.run(main())
    """,
}
