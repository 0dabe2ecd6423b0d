"""Print memory and time of KD on the logits of tokens over a large vocabulary: whole, in chunks, of the top 100.

    OMP_NUM_THREADS=1 python benchmarks/bench_token_kd.py [--tokens 512] [--words 128000]

Each way runs forward and backward in a process of its own. What is printed is the peak of its memory beyond what it
holds before the loss, in copies of the student's logits; one of them is the gradient, which autograd asks for. Where
the top 100 were saved, it holds them in place of the teacher's logits.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

CHUNKS = {"all at once": None, "chunk=64": 64, "chunk=8": 8, "chunk=1": 1}
TOP = ("top_k=100", "top 100, dropped", "top 100, bucket", "saved top 100, dropped", "saved top 100, bucket")
WAYS = (*CHUNKS, *TOP)


def measure(tokens, words, way):
    import torch

    from pidkit.distill import KD, Batch, Outputs, TopKD, TopLogits

    generator = torch.Generator().manual_seed(0)
    student, teacher = (torch.empty(1, tokens, words).normal_(generator=generator) for _ in range(2))
    student.requires_grad_(True)
    if way.startswith("saved"):
        top = TopLogits.of(teacher, 100, temperature=2.0, class_axis=-1, chunk=8)
        print(f"saved: {(top.log_p.nbytes + top.classes.nbytes) / 1e6:.2f} MB", file=sys.stderr)
        teacher = teacher[:, :1, :1].expand(1, tokens, words)  # nothing looks at it
    if way in CHUNKS or way == "top_k=100":
        objective = KD(2.0, top_k=100) if way == "top_k=100" else KD(2.0, chunk=CHUNKS[way])
    else:
        rest = way.rsplit(", ", 1)[1]
        objective = TopKD(top if way.startswith("saved") else 100, temperature=2.0, rest=rest, chunk=8)
    numbers = torch.arange(1)
    batch = Batch(Outputs(student.movedim(-1, 1), {}), {"teacher": Outputs(teacher.movedim(-1, 1), {})}, numbers)
    labels = torch.zeros(1, tokens, dtype=torch.int64)
    parts = (Outputs(logits[:, :2].movedim(-1, 1), {}) for logits in (student, teacher))
    few = Batch(next(parts), {"teacher": next(parts)}, numbers)
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
