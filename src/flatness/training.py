"""Training by SGD from data held in memory: one epoch at a time, resumable to the bit.

The random numbers of an epoch are a function of (seed, epoch) alone and the trainer's whole state is
weights, statistics, momentum and the epoch count, so a run resumed from `Trainer.state` gives the same
weights as an unbroken one on the same machine.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from math import cos, isfinite, pi
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.sgd import sgd

from flatness.capture import CapturedStep
from flatness.data import Augmentation, ImageSet
from flatness.evaluation import evaluate
from flatness.execution import Execution
from flatness.fusion import fused_operations
from flatness.seeds import generator

Weights = dict[str, Tensor]  # a network's state: parameters and batch-norm statistics by name
WARMUP_RATE = 0.1  # share of the peak rate used during warm-up steps; He et al. 2016: 0.01 of 0.1


@dataclass(frozen=True)
class Recipe:
    """How to train. Defaults are stated by the caller: every field is declared."""

    epochs: int
    batch_size: int
    learning_rate: float  # peak
    schedule: str  # a key of SCHEDULES
    warmup_steps: int  # steps at WARMUP_RATE of the rate before the schedule's rate
    momentum: float
    nesterov: bool
    weight_decay: float  # L2 coefficient on every parameter
    crop_padding: int  # pixels on each side
    flip: bool


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch did. Training figures are means over its augmented batches as they were trained on."""

    epoch: int  # epochs completed, from 1
    train_loss: float  # nats
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    learning_rate: float  # of the last step
    gradient_norm: float  # mean over steps of the L2 norm of the loss's gradient, without weight decay
    seconds: float


def he2016(progress: float) -> float:
    """Divided by 10 at 1/2 and 3/4 of the budget (He et al. 2016: 32k and 48k of 64k iterations)."""
    return 0.1 ** sum(progress >= drop for drop in (1 / 2, 3 / 4))


def li2018(progress: float) -> float:
    """Divided by 10 at 1/2, 3/4 and 11/12 of the budget (Li et al. 2018: epochs 150, 225, 275 of 300)."""
    return 0.1 ** sum(progress >= drop for drop in (1 / 2, 3 / 4, 11 / 12))


def one_cycle(progress: float) -> float:
    """Linear rise over the first 30 %, then half a cosine to zero (after Smith and Topin 2019)."""
    rise = 0.3
    if progress < rise:
        return 0.04 + 0.96 * progress / rise
    return (1 + cos(pi * (progress - rise) / (1 - rise))) / 2


SCHEDULES: dict[str, Callable[[float], float]] = {"he2016": he2016, "li2018": li2018, "one_cycle": one_cycle}


def learning_rate_at(step: int, total_steps: int, recipe: Recipe) -> float:
    """The learning rate of step 0 ... total_steps - 1."""
    if step < recipe.warmup_steps:
        return WARMUP_RATE * recipe.learning_rate
    return recipe.learning_rate * SCHEDULES[recipe.schedule](step / total_steps)


class Trainer:
    """Trains a network in place, epoch by epoch.

    `checkpoint_epochs` (fractions allowed, 0 is the start) name the moments whose weights are kept in
    `checkpoints`, float32 on the CPU. On CUDA each step is one graph launch. Raises ValueError for checkpoint epochs
    closer than a step.
    """

    def __init__(
        self,
        network: nn.Module,
        train_set: ImageSet,
        test_set: ImageSet,
        recipe: Recipe,
        seed: int,
        execution: Execution,
        checkpoint_epochs: tuple[float, ...] = (),
    ):
        self.network = execution.place(network)
        self.train_set, self.test_set = (data.for_network(self.network) for data in (train_set, test_set))
        self.recipe, self.seed, self.execution = recipe, seed, execution
        self.augmentation = Augmentation(self.train_set, recipe.crop_padding, recipe.flip)
        self.parameters = list(self.network.parameters())
        self.momenta: list[Tensor | None] = [None] * len(self.parameters)  # before the first step
        self.epoch = 0
        self.checkpoints: dict[float, Weights] = {}
        self.checkpoint_steps = self._steps_of(checkpoint_epochs)
        self._captured = self._new_capture()
        self._keep_checkpoint(0)

    @property
    def is_finite(self) -> bool:
        """Whether every weight and statistic is a finite number."""
        return all(bool(value.isfinite().all()) for value in self.network.state_dict().values())

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch; the last, incomplete batch is left out, as batches are drawn anew each epoch."""
        return max(1, len(self.train_set) // self.recipe.batch_size)

    def run_epoch(self) -> EpochRecord:
        """One pass over the training set, then the test set. Stops early where the loss is not finite."""
        start = perf_counter()
        device = self.execution.device
        random = generator(device, self.seed, self.epoch)
        order = torch.randperm(len(self.train_set), generator=random, device=device)
        sums = torch.zeros(3, dtype=torch.float64, device=device)  # loss, accuracy, gradient norm
        first_step = self.epoch * self.steps_per_epoch
        self.network.train()
        for step in range(self.steps_per_epoch):
            index = order[step * self.recipe.batch_size :][: self.recipe.batch_size]
            rate = learning_rate_at(first_step + step, self.recipe.epochs * self.steps_per_epoch, self.recipe)
            sums += self.step(*self.augmentation.batch(index, random), rate)
            self._keep_checkpoint(first_step + step + 1)
            if step % 50 == 49 and not isfinite(float(sums[0])):
                break
        train_loss, train_accuracy, gradient_norm = (sums / (step + 1)).tolist()
        self.epoch += 1
        self.network.eval()
        with self.execution.autocast():
            test = evaluate(self.network, self.test_set)
        return EpochRecord(
            self.epoch,
            train_loss,
            train_accuracy,
            test.loss,
            test.accuracy,
            rate,
            gradient_norm,
            perf_counter() - start,
        )

    def step(self, images: Tensor, labels: Tensor, learning_rate: float) -> Tensor:
        """One SGD step on normalised images [N, C, H, W] and labels [N]; returns [loss, accuracy, gradient norm]."""
        if self._captured is None:
            return self._step(images, labels, learning_rate)
        rate = torch.full(
            (), learning_rate, device=images.device
        )  # read anew by a graph, which keeps numbers
        return self._captured(images, labels, rate)

    def _new_capture(self) -> CapturedStep | None:
        device = self.execution.device
        return CapturedStep(self._step, device) if device.type == "cuda" else None

    def _step(self, images: Tensor, labels: Tensor, learning_rate: float | Tensor) -> Tensor:
        with self.execution.autocast(), fused_operations(self.execution.compiled):
            logits = self.network(images)
        loss = functional.cross_entropy(logits.float(), labels)
        for parameter in self.parameters:
            parameter.grad = None
        loss.backward()
        gradients = [parameter.grad for parameter in self.parameters]
        gradient_norm = torch.nn.utils.get_total_norm(gradients)
        self._descend(gradients, learning_rate)
        accuracy = (logits.detach().argmax(1) == labels).double().mean()
        return torch.stack([loss.detach().double(), accuracy, gradient_norm.double()])

    def state(self) -> dict:
        """Everything that a later Trainer of the same arguments needs to go on, on the CPU."""
        return {
            "epoch": self.epoch,
            "weights": weights_of(self.network),
            "momenta": [None if m is None else m.cpu().clone() for m in self.momenta],
            "checkpoints": self.checkpoints,
        }

    def load_state(self, state: dict) -> None:
        """Go on from `state`, as another Trainer of the same arguments left it."""
        self.epoch = state["epoch"]
        self.network.load_state_dict(state["weights"])
        self.checkpoints = dict(state["checkpoints"])
        self.momenta = [
            None if momentum is None else torch.empty_like(parameter).copy_(momentum)
            for parameter, momentum in zip(self.parameters, state["momenta"], strict=True)
        ]
        self._captured = self._new_capture()  # the momenta lie elsewhere now

    def images_per_second(self, steps: int = 8) -> float:
        """Training speed here, timed on a copy of the network after two warm-up steps; self is unchanged."""
        network = copy.deepcopy(self.network)
        trial = Trainer(network, self.train_set, self.test_set, self.recipe, self.seed, self.execution)
        trial.network.train()
        random = generator(self.execution.device, self.seed)
        index = torch.arange(self.recipe.batch_size, device=self.execution.device) % len(self.train_set)
        for step in range(steps + 2):
            if step == 2:
                start = perf_counter()
            float(trial.step(*trial.augmentation.batch(index, random), self.recipe.learning_rate)[0])
        return steps * self.recipe.batch_size / (perf_counter() - start)

    @torch.no_grad()
    def _descend(self, gradients: list[Tensor], learning_rate: float | Tensor) -> None:
        """One step of torch's SGD, called as a function: `torch.optim.SGD` loads the compiler, seconds at every start."""
        sgd(
            self.parameters,
            gradients,
            self.momenta if self.recipe.momentum else [],
            fused=True,
            lr=learning_rate,
            momentum=self.recipe.momentum,
            nesterov=self.recipe.nesterov,
            weight_decay=self.recipe.weight_decay,
            dampening=0.0,
            maximize=False,
        )

    def _steps_of(self, epochs: tuple[float, ...]) -> dict[int, float]:
        """The step after which each epoch's weights are kept; ValueError where two epochs share one."""
        steps = {round(epoch * self.steps_per_epoch): epoch for epoch in reversed(epochs)}
        if len(steps) < len(epochs):
            raise ValueError(
                f"checkpoint epochs {', '.join(f'{epoch:g}' for epoch in epochs)}: expected each after a step of its own, "
                f"found {len(steps)} different steps at {self.steps_per_epoch} steps per epoch; declare fewer, or smaller batches"
            )
        return steps

    def _keep_checkpoint(self, step: int) -> None:
        if step in self.checkpoint_steps:
            self.checkpoints[self.checkpoint_steps[step]] = weights_of(self.network)


def weights_of(network: nn.Module) -> Weights:
    """A copy of the network's parameters and batch-norm statistics, contiguous, on the CPU."""
    return {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in network.state_dict().items()
    }
