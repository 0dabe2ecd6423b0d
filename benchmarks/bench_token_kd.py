"""Print the memory and the time of KD on the logits of tokens over a large vocabulary, all at once and in chunks.

    OMP_NUM_THREADS=1 python benchmarks/bench_token_kd.py [--tokens 512] [--words 128000]

Each way runs forward and backward in a process of its own. What is printed is the peak of its memory beyond what it
holds before the loss, in copies of the student's logits; one of them is the gradient, which autograd asks for.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

WAYS = {"all at once": None, "chunk=64": 64, "chunk=8": 8, "chunk=1": 1, "top_k=100": "top_k"}


def measure(tokens, words, way):
    import torch

    from pidkit.distill import KD, Batch, Outputs

    generator = torch.Generator().manual_seed(0)
    student, teacher = (torch.empty(1, tokens, words).normal_(generator=generator) for _ in range(2))
    student.requires_grad_(True)
    batch = Batch(Outputs(student.movedim(-1, 1), {}), {"teacher": Outputs(teacher.movedim(-1, 1), {})})
    chunk = WAYS[way]
    objective = KD(2.0, top_k=100) if chunk == "top_k" else KD(2.0, chunk=chunk)
    labels = torch.zeros(1, tokens, dtype=torch.int64)
    few = Batch(Outputs(student[:, :2].movedim(-1, 1), {}), {"teacher": Outputs(teacher[:, :2].movedim(-1, 1), {})})
    objective(few, labels[:, :2])  # whatever is loaded at the first call
    before, began = peak_kib(), time.process_time()
    loss = objective(batch, labels)
    loss.backward()
    seconds = time.process_time() - began
    added = (peak_kib() - before) * 1024
    print(f"{float(loss.detach()):.6f} {added / (4 * tokens * words):.3f} {seconds:.3f}")


def peak_kib():
    """Return the peak memory of this program in KiB; ru_maxrss would begin at what its parent had."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--words", type=int, default=128_000)
    parser.add_argument("--way", choices=[*WAYS], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way is not None:
        measure(options.tokens, options.words, options.way)
        return
    size = 4 * options.tokens * options.words / 1e6
    print(f"{options.tokens} tokens, {options.words:,} words: logits of one network take {size:.0f} MB\n")
    print("| KD | loss | added at the peak, copies of the logits | CPU s |\n|---|--:|--:|--:|")
    for way in WAYS:
        command = [sys.executable, __file__, "--tokens", str(options.tokens), "--words", str(options.words)]
        found = subprocess.run([*command, "--way", way], check=True, capture_output=True, text=True).stdout
        print(f"| {way} | " + " | ".join(found.split()) + " |", flush=True)


if __name__ == "__main__":
    main()
