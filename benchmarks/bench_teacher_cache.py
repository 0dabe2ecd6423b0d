"""Print what a step of RID from WRN-40-2 to WRN-16-1 takes with a cache of the teacher's answers and without.

    OMP_NUM_THREADS=1 python benchmarks/bench_teacher_cache.py [--images 256] [--batch 64] [--rounds 2]

The networks are those of `examples/rid`, the taps the three groups of blocks, the loss RID beside the labels, each of
its phases for `--rounds` epochs; the last row weighs the phases as the paper's 300 epochs do (30 of warm-up, then of
every 30 eight for the teacher's filter). CPU seconds on one thread, medians over steps, the ways in turns: whatever
changes the machine's speed meanwhile meets all alike. The first epoch, in which the cache is filled, is printed apart.
At the end the weights of all ways are compared bit by bit.
"""

import argparse
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch

from pidkit.distill import RID, CrossEntropy, Phase, Phases, TeacherCache, WeightedSum, tap

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
from rid.networks import WideResNet

LAYERS = ("block2", "block3", "block4")


class Training:
    """A student beside its teacher."""

    def __init__(self, x, labels, batch, cache):
        torch.manual_seed(0)
        teacher, student = WideResNet(40, 2, 10), WideResNet(16, 1, 10)
        self.x, self.labels, self.batch, self.cache = x, labels, batch, cache
        self.networks = tap(teacher=teacher, student=student, layers=LAYERS, example=x[:2], cache=cache)
        rid = RID(self.networks.pairs, n_classes=10)
        self.objective = WeightedSum({"labels": CrossEntropy(), "rid": rid}, {"rid": 10.0})
        learning = [*self.networks.student.parameters(), *self.objective.parameters()]
        self.optimiser = torch.optim.SGD(learning, lr=0.01, momentum=0.9)

    def epoch(self, number, phase):
        """Train for an epoch and return the CPU seconds of each step."""
        order = torch.randperm(len(self.x), generator=torch.Generator().manual_seed(number))
        seconds = []
        for rows in order.split(self.batch):
            began = time.process_time()
            self.optimiser.zero_grad()
            self.objective(self.networks(self.x[rows], phase), self.labels[rows], phase).backward()
            self.optimiser.step()
            seconds.append(time.process_time() - began)
        return seconds

    def weights(self):
        return [*self.networks.student.state_dict().values(), *self.objective.state_dict().values()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=2, help="epochs of each phase")
    options = parser.parse_args()
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(options.images, 3, 32, 32, generator=generator)
    labels = torch.randint(10, (options.images,), generator=generator)
    schedule = Phases(warm_up=30, cycle=30, teacher_share=0.25)
    shares = {phase: sum(schedule.at(epoch) is phase for epoch in range(300)) / 300 for phase in Phase}
    with tempfile.TemporaryDirectory() as folder:
        caches = {"none": None, "memory": TeacherCache(), "folder": TeacherCache(folder)}
        ways = {name: Training(x, labels, options.batch, cache) for name, cache in caches.items()}
        first = {name: statistics.mean(way.epoch(0, Phase.WARM_UP)) for name, way in ways.items()}
        caches["folder"].save()
        medians = {name: {} for name in ways}
        for phase in Phase:
            taken = {name: [] for name in ways}
            for number in range(options.rounds):
                for name, way in ways.items():
                    taken[name] += way.epoch(1 + number, phase)
            for name, seconds in taken.items():
                medians[name][phase] = statistics.median(seconds)
        print(f"torch {torch.__version__}, one thread, {options.images} images of 3x32x32, batch {options.batch}\n")
        print("| CPU s a step | none | memory | folder | times faster, memory | folder |\n|---|--:|--:|--:|--:|--:|")
        whole = {name: sum(shares[phase] * of[phase] for phase in Phase) for name, of in medians.items()}
        rows = {"first epoch, warm-up": first}
        rows |= {phase.value: {name: of[phase] for name, of in medians.items()} for phase in Phase}
        for label, row in {**rows, "a run, phases as in the paper": whole}.items():
            times = " | ".join(f"{row[name]:.3f}" for name in ways)
            print(f"| {label} | {times} | {row['none'] / row['memory']:.2f} | {row['none'] / row['folder']:.2f} |")
        plain = ways["none"].weights()
        same = all(all(map(torch.equal, way.weights(), plain)) for way in ways.values())
        for way in ways.values():
            way.networks.remove()
        kept = {name: cache.n_bytes / 1e6 for name, cache in caches.items() if cache is not None}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"\nkept: {kept['memory']:.1f} MB in memory, {kept['folder']:.1f} MB in files; peak {peak / 1e3:.0f} MB")
    print(f"weights of all ways the same, bit by bit: {same}")
    if not same:
        raise SystemExit("weights differ")


if __name__ == "__main__":
    main()
