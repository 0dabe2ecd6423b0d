"""MIMKD: maximise the mutual information between student and teacher features, with critics that train alongside."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from pidkit.arguments import check_count, one_of, real_number, whole_number
from pidkit.distill.batch import Batch
from pidkit.distill.feature_bank import FeatureBank
from pidkit.distill.map_critics import MAP_CRITICS, MapCriticName, global_bound, jsd_of_places
from pidkit.distill.objective import Objective
from pidkit.distill.pairing import checked_pairs, counted_of, paired_places, pooled_pair
from pidkit.distill.places import LayerPair
from pidkit.errors import InputError


class MIMKD(Objective):
    """Mutual information maximisation: - l_g I_nce(f_t, f_s) - l_l mean I_jsd(f_t, S_K[ij]) - l_f mean I_jsd(T_k, S_k).

    Global: InfoNCE of the pooled vectors of one pair, log M + mean_i [c_ii - logsumexp_j c_ij]. Row i is the student's
    sample, the M columns are the teacher's batch, the positives on the diagonal, and then the bank. A lower bound of
    the mutual information in nats, at most log M.
    Local: the teacher's vector with every place of the student's last map. Feature: the teacher's and the student's
    maps place by place, the mean over pairs. Both by the Jensen-Shannon objective, E_p[-softplus(-c)] -
    E_q[softplus(c)], at most 0 and never an information. One negative a sample: the batch rolled by a random shift.

    Parameters
    ----------
    pairs : iterable of LayerPair
        S_K is the student's layer of the last one. The feature term needs layers with the same places.
    global_pair : LayerPair, optional
        The layers whose mean over places are f_t(x) and f_s(x), of any sizes, such as those before the classifiers.
        None takes the last of `pairs`.
    critic : "project-and-dot" or "concatenate-and-convolve"
        Of the local and the feature term; each comparison has its own.
    global_critic : "project-and-dot" or "concatenate-and-convolve"
        Of the global term. The second runs a network for each of the n M pairs, which a full bank makes slow and large.
    width : int, optional
        Hidden channels of the critics; None takes 128 for project-and-dot and 512 for concatenate-and-convolve.
    weight_global, weight_local, weight_feature : float
        l_g, l_l and l_f. A term of weight 0 is left out, critic and all.
    bank_size : int
        Teacher's features kept as further negatives of the global term; 0 keeps none. Keep it below the size of the
        data set: beyond, most of the bank's rows are copies, and a sample meets its own as a negative.

    Attributes
    ----------
    bank : FeatureBank
        Fed by training passes alone; the current batch goes in after its own score.
    last : dict of str to Tensor
        The value of each term in the last pass, detached and unweighted: "global" is a lower bound in nats.

    Raises
    ------
    InputError
        If there are no pairs, the feature term is given layers with different places (both are named), an option is not
        one of its values, a weight is negative or not finite, or all are 0; from a pass, if the batch has one sample.

    Notes
    -----
    The paper prints InfoNCE without the exponential and the 1/N (eq. 1); here is the bound itself. The shift is drawn
    from torch's CPU generator, as dropout does its mask, and is 1 in eval mode, where nothing is drawn. A negative can
    have the label of its sample: the information is that of the inputs, not of the labels.

    Source: Shrivastava et al., Estimating and maximizing mutual information for knowledge distillation, 2021, eq. 1 and
    2, section 3.

    Examples
    --------
    >>> mimkd = MIMKD([LayerPair("conv", "conv", (4, 3, 3), (2, 3, 3))], bank_size=64)
    >>> sorted(mimkd.critics), list(mimkd.groups())
    (['feature_0', 'global', 'local'], ['critics'])
    """

    def __init__(
        self,
        pairs: Iterable[LayerPair],
        *,
        global_pair: LayerPair | None = None,
        critic: MapCriticName = "project-and-dot",
        global_critic: MapCriticName = "project-and-dot",
        width: int | None = None,
        weight_global: float = 1.0,
        weight_local: float = 0.75,
        weight_feature: float = 1.0,
        bank_size: int = 4096,
    ) -> None:
        """Build a critic for every comparison, and the bank."""
        super().__init__()
        self.pairs = checked_pairs(pairs)
        self.global_pair = self.pairs[-1] if global_pair is None else checked_pairs([global_pair])[0]
        self.weights = {"global": weight_global, "local": weight_local, "feature": weight_feature}
        for name, weight in self.weights.items():
            self.weights[name] = real_number(f"weight_{name}", weight, least=0.0)
        if not any(self.weights.values()):
            raise InputError("weight_global, weight_local and weight_feature are all 0; give one of them a weight")
        one_of("critic", critic, MAP_CRITICS)
        one_of("global_critic", global_critic, MAP_CRITICS)
        bank_size = whole_number("bank_size", bank_size)
        options: dict[str, Any] = {} if width is None else {"width": check_count("width", width)}
        local, overall = MAP_CRITICS[critic], MAP_CRITICS[global_critic]
        theirs, ours, last = self.global_pair.teacher_channels, self.global_pair.student_channels, self.pairs[-1]
        self.critics = nn.ModuleDict()
        if weight_global:
            self.critics["global"] = overall((ours,), (theirs,), **options)
        if weight_local:
            self.critics["local"] = local((theirs,), (last.student_channels,), **options)
        for k, pair in enumerate(self.pairs if weight_feature else ()):
            shapes = (pair.teacher_channels, pair.n_places), (pair.student_channels, pair.n_places)
            self.critics[f"feature_{k}"] = local(*shapes, **options)
        self.bank = FeatureBank(bank_size if weight_global else 0, theirs)
        self.last: dict[str, Tensor] = {}

    def student_loss(self, batch: Batch, labels: Tensor) -> Tensor:
        """Return minus the weighted terms; the labels are not looked at."""
        n = len(batch.student.logits)
        if n < 2:
            raise InputError(
                f"MIMKD needs at least 2 samples a batch, for negatives; this has {n}: drop the last batch"
            )
        shift = int(torch.randint(1, n, ())) if self.training else 1
        values = {name: self._term(name, batch, shift) for name, weight in self.weights.items() if weight}
        self.last = {name: value.detach() for name, value in values.items()}
        total = batch.zero()
        for name, value in values.items():
            total = total - self.weights[name] * value
        return total

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Return the parameters of the critics."""
        return {"critics": list(self.critics.parameters())}

    def _term(self, name: str, batch: Batch, shift: int) -> Tensor:
        if name == "global":
            theirs, ours = pooled_pair(batch, self.global_pair)
            return global_bound(self.critics["global"], theirs, ours, self.bank, feed=self.training)
        if name == "local":
            vectors, last = pooled_pair(batch, self.global_pair)[0], paired_places(batch, self.pairs[-1])[1]
            return jsd_of_places(self.critics["local"], vectors, last, shift, counted_of(batch, self.pairs[-1]))
        each = [
            jsd_of_places(self.critics[f"feature_{k}"], *paired_places(batch, pair), shift, counted_of(batch, pair))
            for k, pair in enumerate(self.pairs)
        ]
        return torch.stack(each).mean()
