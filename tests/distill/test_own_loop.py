"""Someone's own loop, without Trainer: Networks, an objective and Phases are enough."""

import torch
from torch import nn

from pidkit.distill import RID, CrossEntropy, Phases, WeightedSum, tap
from tests.distill.toys import blobs, network, same, weights


def test_a_loop_of_ones_own_trains_through_all_phases() -> None:
    torch.manual_seed(0)
    teacher, student, loader = network(8), network(5, seed=1), [blobs(30, seed=k) for k in range(4)]
    before = weights(teacher)

    # The snippet of docs/howto/own-loop.md.
    networks = tap(teacher=teacher, student=student, layers=["1"], example=loader[0][0][:2])
    objective = WeightedSum({"labels": CrossEntropy(), "rid": RID(networks.pairs, n_classes=3)}, {"rid": 1.0})
    phases = Phases(warm_up=2, cycle=4, teacher_share=0.25)
    optimiser = torch.optim.SGD([*student.parameters(), *objective.parameters()], lr=0.05, momentum=0.9, nesterov=True)
    for epoch in range(10):
        objective.set_epoch(epoch)
        for x, labels in loader:
            optimiser.zero_grad()  # to None: the optimiser passes over what a phase freezes
            objective(networks(x, phases.current), labels, phases.current).backward()
            nn.utils.clip_grad_norm_([*student.parameters(), *objective.parameters()], 100.0)
            optimiser.step()
        phases.advance()
    networks.remove()  # the hooks; the student is yours

    assert phases.epoch == 10
    assert same(before, weights(teacher))
    x, y = blobs(300, seed=9)
    assert float((student.eval()(x).argmax(1) == y).float().mean()) > 0.8
