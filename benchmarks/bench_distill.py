"""Print what ExactRedundancy adds to a training step of a student and AtomProbe to an epoch, in percent of its own.

    OMP_NUM_THREADS=1 python benchmarks/bench_distill.py [--batch 128] [--every 1]

The student's own step is forward, cross-entropy, backward and SGD, without any teacher. What the objective adds is its
own forward and backward pass down to the student's layer, and the step of its head. Both are medians of CPU time on one
thread, in turns: whatever changes the machine's speed meanwhile meets both alike. The teacher's pass, which every
objective of distillation needs, is not counted. AtomProbe's step is that of one pair of layers on 2000 samples by
codes, with ten shuffles for the null, the teacher's known from the first; an epoch is so many of the student's steps.
"""

import argparse
import statistics
import time

import torch
from torch import nn

from pidkit import RepresentationCodes
from pidkit.distill import AtomProbe, Batch, ExactRedundancy, NearestCentres, Outputs, SoftCodes, tap

N_CLASSES = 10
N_PROBE, N_NULL = 2000, 10


def convolution(n_in, n_out, stride=1):
    return nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1, bias=False)


def cnn(width, colours=1):
    """Three convolutions and a linear layer, as the digits examples train."""
    parts = []
    for n_in, n_out, stride in ((colours, width, 1), (width, 2 * width, 2), (2 * width, 4 * width, 1)):
        parts += [convolution(n_in, n_out, stride), nn.BatchNorm2d(n_out), nn.ReLU()]
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * width, N_CLASSES))


class Residual(nn.Module):
    """Two convolutions behind normalisation and ReLU, and a way around them."""

    def __init__(self, n_in, n_out, stride):
        super().__init__()
        self.ready = nn.Sequential(nn.BatchNorm2d(n_in), nn.ReLU())
        self.body = nn.Sequential(
            convolution(n_in, n_out, stride), nn.BatchNorm2d(n_out), nn.ReLU(), convolution(n_out, n_out)
        )
        self.around = nn.Identity() if n_in == n_out else nn.Conv2d(n_in, n_out, 1, stride=stride, bias=False)

    def forward(self, x):
        x = self.ready(x)
        return self.body(x) + self.around(x)


def wide_resnet(width=1):
    """WRN-16-`width`: three groups of two residual blocks."""
    sizes = [16, 16 * width, 32 * width, 64 * width]
    blocks = [convolution(3, 16)]
    for n_in, n_out, stride in zip(sizes, sizes[1:], (1, 2, 2), strict=False):
        blocks += [Residual(n_in, n_out, stride), Residual(n_out, n_out, 1)]
    head = [nn.BatchNorm2d(sizes[-1]), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*blocks, *head, nn.Linear(sizes[-1], N_CLASSES))


STUDENTS = {
    "CNN, width 2, 8x8": (lambda: cnn(2), (1, 8, 8)),
    "CNN, width 16, 8x8": (lambda: cnn(16), (1, 8, 8)),
    "CNN, width 16, 16x16": (lambda: cnn(16), (1, 16, 16)),
    "CNN, width 16, 32x32": (lambda: cnn(16, 3), (3, 32, 32)),
    "WRN-16-1, 32x32": (wide_resnet, (3, 32, 32)),
}


EPOCHS = {"CNN, width 2, 8x8": 1000, "CNN, width 16, 32x32": 10_000, "WRN-16-1, 32x32": 50_000}


def in_turns(steps, repeats):
    """Return the median CPU seconds of several steps, each run in turn; the first round does not count."""
    times = [[] for _ in steps]
    for _ in range(repeats + 1):
        for which, step in enumerate(steps):
            began = time.process_time()
            step()
            times[which].append(time.process_time() - began)
    return [statistics.median(taken[1:]) for taken in times]


def own_step(student, x, labels):
    """Return one step of a student without a teacher."""
    optimiser = torch.optim.SGD(student.parameters(), lr=0.05, momentum=0.9)

    def step():
        optimiser.zero_grad()
        nn.functional.cross_entropy(student(x), labels).backward()
        optimiser.step()

    return step


def added_step(objective, batch, labels):
    """Return what an objective adds to a step, down to the layers of the student, which are leaves here."""
    optimiser = torch.optim.SGD(objective.student_codes.parameters(), lr=0.05, momentum=0.9)

    def step():
        for _ in range(objective.every):
            optimiser.zero_grad()
            objective(batch, labels).backward()
            optimiser.step()

    return step


def pair_of(build, shape, n):
    """Return a tapped pair of networks with the layer before the last, and n images with a pattern for each class."""
    torch.manual_seed(0)
    labels = torch.randint(N_CLASSES, (n,))
    # Codes then know something of the labels from the start, as a joint in use does.
    x = torch.randn(N_CLASSES, *shape)[labels] + torch.randn(n, *shape)
    teacher, student = build(), build()
    layer = str(len(student) - 2)
    return tap(teacher=teacher, student=student, layers=[layer], example=x[:2]), layer, x, labels


def measure_objective(build, shape, options):
    """Return the seconds of the student's own step, and of what ExactRedundancy adds to one."""
    networks, layer, x, labels = pair_of(build, shape, options.batch)
    teacher_codes = NearestCentres.fit(networks, layer, x, n_codes=options.codes)
    student_codes = SoftCodes(networks.pairs[0], options.codes)
    objective = ExactRedundancy(teacher_codes, student_codes, n_classes=N_CLASSES, every=options.every)
    batch = networks(x)
    features = batch.student.layer(layer).detach().requires_grad_()
    leaves = Outputs(batch.student.logits.detach().requires_grad_(), {layer: features})
    steps = own_step(networks.student, x, labels), added_step(objective, Batch(leaves, batch.teachers), labels)
    networks.remove()
    own, added = in_turns(steps, options.repeats)
    return own, added / options.every


def measure_probe(build, shape):
    """Return the seconds of a step of AtomProbe after the first."""
    networks, _, x, labels = pair_of(build, shape, N_PROBE)
    codes = RepresentationCodes(n_init=3)
    with AtomProbe(networks, sample=(x, labels), logits=False, quantiser=codes, n_null=N_NULL) as probe:
        epochs = iter(range(1000))
        (seconds,) = in_turns([lambda: probe.step(next(epochs))], 3)
    networks.remove()
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--codes", type=int, default=10)
    parser.add_argument("--every", type=int, default=1, help="take part in one step of so many")
    parser.add_argument("--repeats", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    settings = f"batch {options.batch}, 10 classes, {options.codes} codes, one step of {options.every}"
    print(f"torch {torch.__version__}, one thread, {settings}\n")
    print("| student | parameters | its own step, ms | ExactRedundancy adds, ms | percent |\n|---|--:|--:|--:|--:|")
    own_steps = {}
    for name, (build, shape) in STUDENTS.items():
        own, added = measure_objective(build, shape, options)
        own_steps[name] = own
        size = sum(p.numel() for p in build().parameters())
        print(f"| {name} | {size:,} | {1e3 * own:.3g} | {1e3 * added:.3g} | {100.0 * added / own:.3g} |", flush=True)
    print("\n| student | images an epoch | its own epoch, s | AtomProbe's step, s | percent | every 5 epochs |")
    print("|---|--:|--:|--:|--:|--:|")
    for name, n_images in EPOCHS.items():
        epoch = own_steps[name] * n_images / options.batch
        share = 100.0 * (took := measure_probe(*STUDENTS[name])) / epoch
        print(f"| {name} | {n_images:,} | {epoch:.3g} | {took:.3g} | {share:.3g} | {share / 5:.3g} |", flush=True)


if __name__ == "__main__":
    main()
