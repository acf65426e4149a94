"""What `import helpers` costs beside `import torch`, each in a fresh process.

python benchmarks/imports.py
"""

import argparse
import statistics
import subprocess
import sys
import time

from rich.console import Console
from rich.table import Table

STATEMENTS = ("pass", "import helpers", "import torch", "import helpers, torch")


def seconds(statement):
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()

    times = {statement: [] for statement in STATEMENTS}
    for number in range(arguments.rounds + 1):
        for statement in STATEMENTS:
            took = seconds(statement)
            if number:  # the first round fills the file cache
                times[statement].append(took)

    table = Table(title=f"Fresh processes, medians of {arguments.rounds} alternating rounds")
    table.add_column("statement")
    table.add_column("seconds", justify="right")
    table.add_column("of import torch", justify="right")
    for statement, took in times.items():
        share = statistics.median(mine / torch for mine, torch in zip(took, times["import torch"], strict=True))
        table.add_row(statement, f"{statistics.median(took):.2f}", f"{share:.2f}x")
    Console(width=80).print(table)


if __name__ == "__main__":
    main()
