"""
See how a loss arranges subjects
================================

Every guided contrast weights pairs of subjects, and the weights define an
arrangement of the embeddings. This example has no encoder: points move
freely on a circle until the loss is minimal, which shows the arrangement
that the loss alone prefers.
"""

# %%
# Points that are free
# --------------------
# One function, :func:`~skmmcl.losses.weighted_info_nce`, computes all of
# the losses. It takes similarities and weights. A small optimization over
# points on the circle replaces the network.

import numpy as np
import torch

from skmmcl.losses import sphere_realizability, weighted_info_nce

TEMPERATURE = 1.0


def arrange(weights, *, self_pairs=True, n_starts=4):
    """Find the points on the circle of the smallest loss."""
    best = None
    for seed in range(n_starts):
        generator = torch.Generator().manual_seed(seed)
        z = torch.randn(
            len(weights), 2, generator=generator, dtype=torch.float64
        )
        z.requires_grad_()
        optimizer = torch.optim.LBFGS(
            [z], max_iter=300, line_search_fn="strong_wolfe"
        )

        def closure(z=z, optimizer=optimizer):
            optimizer.zero_grad()
            u = z / z.norm(dim=1, keepdim=True)
            loss = weighted_info_nce(
                u @ u.T / TEMPERATURE, weights, self_pairs=self_pairs
            )
            loss.backward()
            return loss

        optimizer.step(closure)
        value = closure().item()
        if best is None or value < best[0]:
            best = value, (z / z.norm(dim=1, keepdim=True)).detach().numpy()
    return best[1]


# %%
# Classes
# -------
# SupCon weights pairs of one class by 1 and all others by 0, which asks for
# classes infinitely far apart. On a sphere the best arrangement is a
# simplex: each class collapses to a point, and three points are 120 degrees
# apart. If classes are unequal, the large one pushes the two small ones
# together. Soft SupCon gives other classes a small weight, and reaches the
# angle that this weight defines for classes of any size.

from skmmcl.kernels import delta


def of_classes(sizes, between=0.0):
    y = torch.repeat_interleave(
        torch.arange(len(sizes)), torch.tensor(sizes)
    )
    same = delta(y.double())
    return y, same + between * (1 - same)


balanced, simplex = of_classes([6, 6, 6])
unequal, pushed = of_classes([3, 3, 24])
soft_classes, soft = of_classes([3, 3, 24], between=float(np.exp(-1.5)))

# %%
# Ages
# ----
# The Gaussian kernel of age in y-Aware asks for distances between
# embeddings that are proportional to distances between ages. For two ages
# this is possible; for three on a line it is not, because chords of a
# sphere do not add up. :func:`~skmmcl.losses.sphere_realizability` reports
# this beforehand, with the gap between the loss and its bound. Labels that
# lie on a circle themselves, such as the time of day, fit.

from skmmcl.kernels import gaussian

age = torch.linspace(20, 80, 13, dtype=torch.float64)
of_age = gaussian(age, 30.0)
angle = torch.arange(12, dtype=torch.float64) * 2 * torch.pi / 12
hour = torch.stack([angle.cos(), angle.sin()], 1)
of_hour = gaussian(hour, TEMPERATURE**0.5)  # of radius one
for name, weights in {
    "age": of_age,
    "time of day": of_hour,
    "Soft SupCon": soft,
}.items():
    found = sphere_realizability(weights, TEMPERATURE)
    print(
        f"{name:12} can be met: {found.realizable!s:6} "
        f"gap of the loss: {found.gap:.4f}"
    )

# %%
# What comes out
# --------------
# The last panel plots the distances that y-Aware reaches over those that it
# asks for. They agree for similar ages; the youngest and the oldest are
# closer to each other than the kernel asks for.

import matplotlib.pyplot as plt

panels = {
    "SupCon, equal classes": (arrange(simplex, self_pairs=False), balanced),
    "SupCon, classes of 3, 3 and 24": (
        arrange(pushed, self_pairs=False),
        unequal,
    ),
    "Soft SupCon, 3, 3 and 24": (arrange(soft), soft_classes),
    "y-Aware, time of day": (arrange(of_hour), np.arange(12)),
    "y-Aware, age": (arrange(of_age), age),
}


def subtitle(u, shade):
    """Return the angle between the first two classes as text."""
    shade = np.asarray(shade)
    if len(np.unique(shade)) > 3:
        return "dark to light"
    other = u[np.flatnonzero(shade != shade[0])[0]]
    return (
        f"dark and green: {np.degrees(np.arccos(u[0] @ other)):.0f} degrees"
    )


fig, axes = plt.subplots(2, 3, figsize=(9, 6.4), layout="constrained")
jitter = np.random.default_rng(0)
for ax, (title, (u, shade)) in zip(axes.flat, panels.items(), strict=False):
    ax.add_patch(plt.Circle((0, 0), 1, fill=False, ec="0.8"))
    shown = u * (
        1 + 0.1 * jitter.uniform(size=(len(u), 1))
    )  # collapsed points stay visible
    ax.scatter(*shown.T, c=np.asarray(shade), cmap="viridis", ec="w", s=60)
    ax.set_title(f"{title}\n{subtitle(u, shade)}")
    ax.set(aspect="equal", xlim=(-1.25, 1.25), ylim=(-1.25, 1.25))
    ax.axis("off")

wanted = np.abs(age[:, None] - age).numpy() * TEMPERATURE**0.5 / 30
u = panels["y-Aware, age"][0]
got = np.linalg.norm(u[:, None] - u, axis=-1)
ax = axes[1, 2]
ax.plot([0, wanted.max()], [0, wanted.max()], color="0.8")
ax.plot(wanted.ravel(), got.ravel(), "o", ms=4, alpha=0.6, mew=0)
ax.set(
    title="y-Aware, age: the gap",
    xlabel="distance asked for",
    ylabel="distance found",
)
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# What follows
# ------------
# The gap is small if the bandwidth is wide, and the order of ages is kept
# in any case, so y-Aware works well in practice. If distances themselves
# matter, ``scheme="euclidean"`` of
# :class:`~skmmcl.contrastive.WeightedContrastiveEmbedder` does not use the
# sphere. If classes are of unequal size, its ``scheme="soft-supcon"`` keeps
# the small ones apart.
