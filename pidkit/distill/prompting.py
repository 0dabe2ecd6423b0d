"""Prompts in front of token sequences: a teacher that sees one, or a student whose prompt is all that learns."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pidkit.arguments import flag
from pidkit.errors import InputError


class Prompted(nn.Module):
    """A network of sequences with a prompt in front of each, model([prompt, x]), and without the prompt's outputs.

    Prompt distillation is `KD` on the answers to x, KL(p_T(. | prompt_T, x) || p_S(. | prompt_S, x)), with a
    `Prompted` network on either side: a long prompt of the teacher's goes into a student without one, whose weights
    learn it, or into a short learned prompt of a student that is frozen.

    Parameters
    ----------
    model : nn.Module
        Takes sequences (n, length, ...): token numbers (n, length), or embedded tokens (n, length, width); puts out
        one row a token, (n, length, ...), or one a sequence.
    prompt : Tensor, shape (n_prompt, ...)
        Tokens as `model` takes them, without the axis of the samples.
    learned : bool
        Whether the prompt is the only parameter that learns: the model is frozen, as `tap` does with teachers, but for
        its train or eval mode. Only of embedded tokens.
    keep_prompt : bool
        Whether the outputs at the prompt stay: True for models with one output a sequence, and where the model's own
        length is needed.

    Raises
    ------
    InputError
        If the prompt is empty, or `learned` of token numbers; from a pass, if inputs do not fit the prompt.

    Notes
    -----
    Where tokens at the end predict the next one, the prompt's outputs are those before the first token of x. The last
    of them, which predicts that token, is dropped along with the others.

    Source: Goswami, "Notes on distillation", 2025, eq. 19; Askell et al., "A general language assistant as a laboratory
    for alignment", 2021, section 2.2 (context distillation).

    Examples
    --------
    >>> prompted = Prompted(nn.Embedding(10, 2), torch.tensor([7, 8, 9]))
    >>> prompted(torch.tensor([[1, 2], [3, 4]])).shape
    torch.Size([2, 2, 2])
    """

    prompt: Tensor

    def __init__(self, model: nn.Module, prompt: Tensor, *, learned: bool = False, keep_prompt: bool = False) -> None:
        """Keep the prompt, as a parameter where it learns."""
        super().__init__()
        given: object = prompt
        if not isinstance(given, Tensor) or given.ndim == 0 or len(given) == 0:
            raise InputError("prompt must be a tensor of one token at least, with the tokens on its first axis")
        self.model, self.keep_prompt = model, flag("keep_prompt", keep_prompt)
        if flag("learned", learned):
            if not prompt.is_floating_point():
                raise InputError("learned needs a prompt of embedded tokens; token numbers have no gradient")
            model.requires_grad_(False)
            self.prompt = nn.Parameter(prompt.detach().clone())
        else:
            self.register_buffer("prompt", prompt.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        """Return the model's output for the tokens of `x`, or for the sequence."""
        if x.ndim < 2 or x.shape[2:] != self.prompt.shape[1:]:
            raise InputError(
                f"x has shape {tuple(x.shape)}, which does not go on after a prompt of {tuple(self.prompt.shape)}; "
                "samples lie on axis 0, tokens on axis 1"
            )
        prompt = self.prompt.to(x.dtype).expand(len(x), *self.prompt.shape)
        output: Tensor = self.model(torch.cat([prompt, x], 1))
        if self.keep_prompt:
            return output
        length = len(self.prompt) + x.shape[1]
        if output.ndim < 2 or output.shape[1] != length:
            raise InputError(
                f"model puts out {tuple(output.shape)} for {length} tokens, not one row a token; pass keep_prompt=True"
            )
        return output[:, len(self.prompt) :]
