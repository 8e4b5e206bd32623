"""Guided losses against plain loops over anchors, keys and labels."""

import math

import numpy as np
import pytest
import torch

from tests.losses import guided_loops as loops
from tests.losses.guided_loops import TAU, Rows, gauss, log, same
from tests.losses.guided_losses import LOSSES, batch, value


def eps_sup(z, known, mask, weight, form="out"):
    rows, y = Rows(z, mask, weight), known["y"]

    def loss(r):
        def e(s, shift=0.0):
            return math.exp(rows.cosine(r, s) / TAU - shift)

        met = [(s, rows.count(r, s)) for s in rows.range if rows.count(r, s)]
        is_positive = {s: same(y, rows.subject[r], rows.subject[s]) for s, _ in met}
        positives = [(s, n) for s, n in met if is_positive[s]]
        negatives = sum(n * e(s) for s, n in met if not is_positive[s])
        number = sum(n for _, n in positives)
        if not number:
            return None
        if form == "out":
            terms = (n * (log(e(p, 0.1) + negatives) - log(e(p))) for p, n in positives)
            return sum(terms) / number
        inside = sum(n * e(p, 0.1) for p, n in positives)
        if form == "in":
            return log(inside / number + negatives) - log(sum(n * e(p) for p, n in positives))
        attracted = sum(n * rows.cosine(r, p) / TAU for p, n in positives) / number
        return log(inside + negatives) - attracted

    return rows.mean(loss, zero=form == "supcon")


def regression(z, known, mask, weight, against_of):
    rows, age = Rows(z, mask, weight), known["age"]

    def loss(r):
        def w(s):
            i, j = rows.subject[r], rows.subject[s]
            return gauss(age[i], age[j], i, j)

        total = terms = 0.0
        for k in rows.range:
            share = rows.count(r, k) * w(k)
            against = against_of(rows, r, k, w)
            total += share
            if against > 0:
                terms += share * (log(against) - rows.cosine(r, k) / TAU)
        return terms / total if total else None

    return rows.mean(loss)


def l_exp(z, known, mask, weight, including=True):
    def against(rows, r, k, w):
        total = 0.0
        for t in rows.range:
            count = rows.count(r, t)
            count = max(count - 1, 0) if t == k and not including else count
            total += count * math.exp(rows.cosine(r, t) / TAU * (1 - w(t)))
        return total

    return regression(z, known, mask, weight, against)


def l_thr(z, known, mask, weight):
    def against(rows, r, k, w):
        return sum(
            rows.count(r, t) * math.exp(rows.cosine(r, t) / TAU) for t in rows.range if w(t) < w(k)
        )

    return regression(z, known, mask, weight, against)


def conditional(z, known, mask, weight, uniform):
    rows, age = Rows(z, mask, weight), known["age"]
    total = weights = 0.0
    for r in rows.range:
        for s in rows.range:
            i, j = rows.subject[r], rows.subject[s]
            alike = gauss(age[i], age[j], i, j)
            share = weight[i] * rows.count(r, s) * (1 - alike if uniform else alike)
            distance = rows.distance(r, s)
            total += share * (math.exp(-2 * distance) if uniform else distance)
            weights += share
    if not weights:
        return 0.0
    return log(total / weights) if uniform else total / weights


def decoupled(z, known, mask, weight, kernel=None):
    present = [i for i in range(z.shape[1]) if mask[i].any() and weight[i] > 0]
    u = z / np.linalg.norm(z, axis=-1, keepdims=True)
    means = {i: u[mask[i], i].mean(0) for i in present}
    if kernel:
        p = known["prior"]
        k = np.array([[gauss(p[i], p[j], i, j) for j in present] for i in present])
        # A subject of weight w has a ridge of 1 / w of the others'.
        ridge = np.diag([0.01 / weight[i] for i in present])
        hat = k @ np.linalg.solve(k + ridge, np.array([means[i] for i in present]))
        means = dict(zip(present, hat, strict=True))
    total = weights = 0.0
    for i in present:
        for j in present:
            share = weight[i] * (max(weight[i] - 1, 0) if i == j else weight[j])
            total += share * math.exp(-2 * ((means[i] - means[j]) ** 2).sum())
            weights += share
    return log(total / weights) if weights else 0.0


def fair_kl(z, known, mask, weight, form="moments"):
    rows, y, site = Rows(z, mask, weight), known["y"], known["site"]
    groups = {}
    for r in rows.range:
        for s in rows.range:
            i, j = rows.subject[r], rows.subject[s]
            if min(y[i], y[j], site[i], site[j]) >= 0 and rows.count(r, s) * weight[i]:
                entry = (rows.cosine(r, s), rows.count(r, s) * weight[i])
                groups.setdefault((y[i] == y[j], site[i] == site[j]), []).append(entry)
    total = 0.0
    for positive in (True, False):
        a, b = (np.array(groups.get((positive, aligned), [])) for aligned in (True, False))
        if not len(a) or not len(b):
            continue
        means = [np.average(g[:, 0], weights=g[:, 1]) for g in (a, b)]
        stds = [
            np.average((g[:, 0] - m) ** 2, weights=g[:, 1]) ** 0.5
            for g, m in zip((a, b), means, strict=True)
        ]
        several = all(g[:, 1].sum() > 2 or len(g) > 2 for g in (a, b))
        if form == "moments":
            total += (means[0] - means[1]) ** 2 + several * (stds[0] - stds[1]) ** 2
        elif several:
            ratio = (stds[0] / stds[1]) ** 2
            total += ((means[0] - means[1]) ** 2 / stds[1] ** 2 + ratio - log(ratio) - 1) / 2
    return total


LOOPS = {
    "yaware": loops.yaware,
    "yaware-delta": loops.yaware_delta,
    "yaware-self": lambda *arrays: loops.yaware(*arrays, self_pairs=True),
    "yaware-mixed": loops.yaware_mixed,
    "soft-supcon": loops.soft_supcon,
    "xclr": loops.xclr,
    "anatcl-local": loops.anatcl,
    "jaccard": loops.jaccard,
    "mulsupcon": loops.mulsupcon,
    "mulsupcon-sample": lambda *arrays: loops.mulsupcon(*arrays, per_sample=True),
    "euclidean": loops.euclidean,
    "eps-out": eps_sup,
    "eps-in": lambda *arrays: eps_sup(*arrays, form="in"),
    "eps-supcon": lambda *arrays: eps_sup(*arrays, form="supcon"),
    "exp": l_exp,
    "exp-without": lambda *arrays: l_exp(*arrays, including=False),
    "thr": l_thr,
    "alignment": lambda *arrays: conditional(*arrays, uniform=False),
    "uniformity": lambda *arrays: conditional(*arrays, uniform=True),
    "decoupled": decoupled,
    "decoupled-kernel": lambda *arrays: decoupled(*arrays, kernel="gaussian"),
    "fairkl": fair_kl,
    "fairkl-kl": lambda *arrays: fair_kl(*arrays, form="kl"),
}


@pytest.mark.parametrize("name", LOOPS)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("plain", [True, False], ids=["plain", "masked and weighted"])
def test_equals_loops(name, seed, plain):
    shape = [(2, 6, 3), (1, 7, 4), (3, 4, 3), (2, 2, 5)][seed]
    z, known, mask, weight = batch(shape, torch.float64, seed, missing=seed != 1)
    found = value(LOSSES[name][0], name, z, known, *(() if plain else (mask, weight)))
    if plain:
        mask, weight = torch.ones_like(mask), torch.ones_like(weight)
    arrays = {key: x.numpy() for key, x in known.items()}
    expected = LOOPS[name](z.numpy(), arrays, mask.numpy(), weight.numpy())
    assert found.item() == pytest.approx(expected, rel=1e-9, abs=1e-10)
