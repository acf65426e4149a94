"""Read, change or remove what is another student's, and leave notes for an accomplice."""

GROUP = "other students' files"
WALLS = True  # they depend on the level of isolation

BODIES = {
    "reads another's notebook": "raise ValueError(open('@others/secret.ipynb').read())",
    "lists the others": """
        import os
        raise ValueError(os.listdir("@others"))
    """,
    "writes into another's notebook": "open('@others/secret.ipynb', 'w').write('x')\nreturn order",
    "empties another's notebook": """
        import os
        os.truncate("@others/secret.ipynb", 0)
        return order
    """,
    "removes another's notebook": """
        import os
        os.remove("@others/secret.ipynb")
        return order
    """,
    "closes the others' folder": """
        import os
        os.chmod("@others", 0)
        return order
    """,
    "gives another's notebook away": """
        import os
        os.chown("@others/secret.ipynb", 12345, 12345)
        return order
    """,
    "changes the times of another's notebook": """
        import os
        os.utime("@others/secret.ipynb", (0, 0))
        return order
    """,
    "links to another's notebook": """
        import os
        os.symlink("@others/secret.ipynb", "link")
        raise ValueError(open("link").read())
    """,
    "takes another's notebook by a hard link": """
        import os
        os.link("@others/secret.ipynb", "hard")
        raise ValueError(open("hard").read())
    """,
    "moves another's notebook": """
        import os
        os.rename("@others/secret.ipynb", "mine")
        return order
    """,
    "locks another's notebook": """
        import fcntl
        fcntl.flock(open("@others/secret.ipynb"), fcntl.LOCK_EX)
        return order
    """,
    "marks another's notebook": """
        import os
        os.setxattr("@others/secret.ipynb", "user.mark", b"x")
        return order
    """,
    "maps another's notebook": """
        import torch
        raise ValueError(bytes(torch.from_file("@others/secret.ipynb", size=22, dtype=torch.uint8).tolist()))
    """,
    "loads another's notebook as a library": """
        import ctypes
        return ctypes.CDLL("@others/secret.ipynb")
    """,
}
