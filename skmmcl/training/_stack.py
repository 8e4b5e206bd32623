"""Several fits of one architecture, trained as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor

from skmmcl.networks._lanes import gradients_in_place, merge_lanes, of_lane
from skmmcl.training._batches import SubjectSet
from skmmcl.training._copies import change_copies, generators_of, in_copies, mean_over_contrasts
from skmmcl.training._joint_step import JointStep
from skmmcl.training._lane_batches import LaneBatches
from skmmcl.training._lanes import forward_lanes, lanes_of
from skmmcl.training._objective import Objective
from skmmcl.training._ranks import Ranks, is_shared


class Stack:
    """Networks, objectives and subjects of several fits, each in a lane of its own.

    A single fit is a stack of one lane, with the same arithmetic. The nets' parameters become
    views of the stack's, so that each net's optimizer and callbacks go on working.

    Parameters
    ----------
    nets : sequence of EmbeddingNet
        Of one signature.
    sets : sequence of (SubjectSet, SubjectSet or None)
        The training subjects of each, and those held out.
    """

    def __init__(self, nets: Sequence[Any], sets: Sequence[tuple[SubjectSet, Any]]) -> None:
        self.nets, self.sets = list(nets), list(sets)
        self.errors: dict[int, Exception] = {}
        self.ranks = Ranks(nets[0], sets[0][0].data) if is_shared() else None
        self.network, self.objective = nets[0].module_, nets[0].criterion_
        self.padded = lanes_of(nets[0]) is not None
        like = next(nets[0].module_.parameters())
        if self.padded:
            self.objective = Objective.merge([net.criterion_ for net in nets], like)
        if len(nets) > 1:
            self.network = merge_lanes([net.module_ for net in nets])
        self.grads = self._link() if self.padded else []
        self.optimizers = JointStep([net.optimizer_ for net in nets])
        data = [train_set.data for train_set, _ in sets]
        self.subjects = LaneBatches(data, like, padded=self.padded)
        if self._owns_subjects() and hasattr(self.network, "scale_in_place"):
            self.network.scale_in_place(self.subjects.x, [len(part) for part in data])

    def _owns_subjects(self) -> bool:
        """Return whether the stack may scale its subjects in place: nothing reads them raw."""
        seen = any("x" in term.on for term in self.objective.terms)
        changed = any(net.augment_ or net.noise_ for net in self.nets)
        return len(self.nets) > 1 and not seen and not changed

    def _link(self) -> list[Tensor]:
        """Allocate gradients of all parameters, and make those of the lanes views of them."""
        grads = []
        own = [dict(net.module_.named_parameters()) for net in self.nets]
        for name, shared in self.network.named_parameters():
            shared.requires_grad_(own[0][name].requires_grad)
            if not shared.requires_grad:
                shared.grad = None
                continue
            shared.grad = torch.zeros_like(shared)
            grads.append(shared.grad)
            if len(own) > 1:
                for k, lane in enumerate(own):
                    lane[name].data = shared.detach()[k].view(lane[name].shape)
                    lane[name].grad = shared.grad[k].view(lane[name].shape)
        for net in self.nets:
            net.linked_ = len(own) > 1
        return grads

    def _clear_gradients(self) -> None:
        """Set all gradients to zero, those of weights without influence too.

        The norm of all gradients would otherwise be summed over fewer terms, in another order.
        """
        if self.padded and self.nets[0].watched_:  # its callbacks may freeze weights at any time
            self.grads = self._link()
        elif self.grads:
            torch._foreach_zero_(self.grads)
        else:
            self.nets[0].optimizer_.zero_grad()

    def unlink(self) -> None:
        """Give the nets back memory of their own."""
        self.errors.clear()  # their tracebacks hold the stack
        for net in self.nets:
            for _, p in net.get_all_learnable_params():
                p.grad = None
                if net.linked_ and p.requires_grad:
                    p.data = p.data.clone()
            net.linked_ = False

    def each(self, act: Callable[[int, Any], None]) -> None:
        """Act on each lane's net; an exception in one of several ends only that fit."""
        for k, net in enumerate(self.nets):
            if k in self.errors:
                continue
            try:
                act(k, net)
            except Exception as error:
                if len(self.nets) == 1:
                    raise
                self.errors[k] = error

    def train_epoch(self) -> None:
        """Train all lanes for an epoch."""
        self.network.train()
        self._epoch("train", [train_set for train_set, _ in self.sets])

    def validate(self) -> None:
        """Compute the losses of the held-out subjects."""
        held_out = [valid_set for _, valid_set in self.sets]
        if held_out[0] is None:
            return
        self.network.eval()
        with torch.no_grad():
            self._epoch("valid", held_out)

    def _epoch(self, prefix: str, sets: Sequence[SubjectSet]) -> None:
        training = prefix == "train"
        names: list[str] = []
        drawing = generators_of(self.nets, self.network, training=training)
        values, sizes = [], []
        for batch, counts in self.subjects.epoch(sets):
            batch["x"] = in_copies(batch["x"], self.network)
            if drawing is not None:
                self._augment(batch["x"], batch["mask"], counts, drawing)
            seen = [_lane(batch, k, net) for k, net in enumerate(self.nets)]
            self._notify("on_batch_begin", seen, training, [{}] * len(seen))
            losses, outputs = self._step(batch, seen, training=training)
            info = [_callback_info(losses, outputs, k, net) for k, net in enumerate(self.nets)]
            self._notify("on_batch_end", seen, training, info)
            names = list(losses)
            values.append(torch.stack([value.detach() for value in losses.values()]))
            sizes.append(counts)
        table = torch.stack(values).double().cpu().numpy()  # the epoch's one transfer
        weights = np.array(sizes)
        self.each(lambda k, net: net.record_epoch(prefix, names, table[:, :, k], weights[:, k]))

    def _augment(
        self,
        x: dict[Any, Tensor],
        mask: Tensor | None,
        counts: Sequence[int],
        drawing: Sequence[np.random.Generator],
    ) -> None:
        """Augment the subjects of each lane by the draws of its own net."""

        def change(k: int, net: Any) -> None:
            present = None if mask is None else mask[k, : counts[k]]
            change_copies(x, k, net, self.network, present, counts[k], drawing[k])

        self.each(change)

    def _notify(
        self, event: str, seen: Sequence[Any], training: bool, info: Sequence[Mapping[str, Any]]
    ) -> None:
        self.each(lambda k, net: net.notify(event, batch=seen[k], training=training, **info[k]))

    def _step(
        self, batch: Mapping[str, Any], seen: Sequence[Any], *, training: bool
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return loss and terms of each lane, and outputs; in training also step the optimizers."""
        if training:
            for name in self.objective.adversaries:
                self._step_of_adversary(batch, seen, name)
            self._clear_gradients()
        forward = self.ranks.forward if training and self.ranks else forward_lanes
        with gradients_in_place() if training and self.grads else nullcontext():
            outputs = forward(self.network, batch)
        named = {**batch, **outputs}
        loss, terms = mean_over_contrasts(self.objective, self.network, named)
        if training:
            loss.sum().backward(inputs=self._unopposed())
            if self.ranks:
                self.ranks.sum_gradients(self.network)
            self.each(lambda k, net: net.announce_gradients(seen[k]))
            if not self.optimizers.step(k for k in range(len(self.nets)) if k not in self.errors):
                self.each(lambda _, net: net.optimizer_.step())
        return {"loss": loss, **terms}, outputs

    def _step_of_adversary(self, batch: Mapping[str, Any], seen: Sequence[Any], name: str) -> None:
        """Make a step of an adversary alone, in the only lane.

        Weights without a gradient stay as they are, and optimizers keep a state for each weight.
        The adversary therefore needs no optimizer of its own.
        """
        (net,) = self.nets
        net.optimizer_.zero_grad()
        named = {**batch, **forward_lanes(self.network, batch)}
        loss = self.objective.of_adversary(named, name)
        loss.sum().backward(inputs=list(self.network.get_submodule(name).parameters()))
        net.announce_gradients(seen[0])
        net.optimizer_.step()

    def _unopposed(self) -> list[Tensor] | None:
        """Return the weights outside the adversaries; None for all."""
        if not self.objective.adversaries:
            return None
        prefixes = tuple(f"{name}." for name in self.objective.adversaries)
        named = [*self.network.named_parameters(), *self.objective.named_parameters()]
        return [p for name, p in named if p.requires_grad and not name.startswith(prefixes)]


def _lane(batch: Mapping[str, Any], k: int, net: Any) -> dict[str, Any] | None:
    """Return a lane's part of the batch, if there is a callback to see it."""
    if not net.callbacks_:
        return None
    parts = {name: None if v is None else v[k] for name, v in batch.items() if name != "x"}
    return {"x": {name: v[k] for name, v in batch["x"].items()}, **parts}


def _callback_info(
    losses: Mapping[str, Tensor], outputs: Mapping[str, Any], k: int, net: Any
) -> dict[str, Any]:
    """Return what skorch's callbacks get after a step."""
    if not net.callbacks_:
        return {}
    terms = {name: value.detach()[k] for name, value in losses.items()}
    return {"loss": terms.pop("loss"), "terms": terms, "y_pred": of_lane(outputs, k)}
