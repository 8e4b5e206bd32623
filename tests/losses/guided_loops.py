"""Plain loops over anchors, keys and labels: the losses that are one weighted InfoNCE."""

import math

import numpy as np

TAU = 0.5


class Rows:
    """The embeddings of a batch one after the other, with how often each meets each."""

    def __init__(self, z, mask, weight, *, self_pairs=False, normalize=True):
        n_views, n_samples, _ = z.shape
        self.ids = [(v, i) for v in range(n_views) for i in range(n_samples) if mask[i, v]]
        self.u = [z[v, i] / (np.linalg.norm(z[v, i]) if normalize else 1) for v, i in self.ids]
        self.subject = [i for _, i in self.ids]
        self.weight, self.self_pairs = weight, self_pairs
        self.range = range(len(self.ids))

    def count(self, r, s):
        weight = self.weight[self.subject[s]]
        return max(weight - 1, 0) if r == s and not self.self_pairs else weight

    def cosine(self, r, s):
        return float(self.u[r] @ self.u[s])

    def distance(self, r, s):
        return float(((self.u[r] - self.u[s]) ** 2).sum())

    def mean(self, loss_of_row, *, zero=False):
        """Mean over the anchors whose loss is not None."""
        total = weights = 0.0
        for r in self.range:
            loss, weight = loss_of_row(r), self.weight[self.subject[r]]
            if loss is not None:
                total += weight * loss
            weights += weight * (loss is not None or zero)
        return total / weights if weights else 0.0


def log(x):
    return math.log(x) if x > 0 else -math.inf


def gauss(a, b, i, j):
    if np.isnan(a).any() or np.isnan(b).any():
        return float(i == j)
    return math.exp(-float(((a - b) ** 2).sum()) / 2)


def same(codes, i, j):
    return float(i == j or (codes[i] == codes[j] and codes[i] >= 0))


def cross_entropy(rows, weight_of, similarity):
    def loss(r):
        total = attracted = against = 0.0
        for s in rows.range:
            count, w = rows.count(r, s), weight_of(rows.subject[r], rows.subject[s])
            total += count * w
            attracted += count * w * similarity(r, s)
            against += count * math.exp(similarity(r, s))
        return log(against) - attracted / total if total else None

    return rows.mean(loss)


def scaled_cosine(rows):
    return lambda r, s: rows.cosine(r, s) / TAU


def yaware(z, known, mask, weight, self_pairs=False):
    rows, age = Rows(z, mask, weight, self_pairs=self_pairs), known["age"]
    return cross_entropy(rows, lambda i, j: gauss(age[i], age[j], i, j), scaled_cosine(rows))


def yaware_delta(z, known, mask, weight):
    rows = Rows(z, mask, weight)
    return cross_entropy(rows, lambda i, j: same(known["y"], i, j), scaled_cosine(rows))


def yaware_mixed(z, known, mask, weight):
    rows, x = Rows(z, mask, weight), known["age_and_sex"]

    def of_pair(i, j):
        if np.isnan(x[i]).any() or np.isnan(x[j]).any():
            return float(i == j)
        return (x[i, 1] == x[j, 1]) / (1 + (x[i, 0] - x[j, 0]) ** 2)

    return cross_entropy(rows, of_pair, scaled_cosine(rows))


def soft_supcon(z, known, mask, weight):
    rows = Rows(z, mask, weight, self_pairs=True)
    return cross_entropy(
        rows, lambda i, j: 1.0 if same(known["y"], i, j) else 0.1, scaled_cosine(rows)
    )


def xclr(z, known, mask, weight):
    rows, p = Rows(z, mask, weight), known["prior"]

    def of_pair(i, j):
        if np.isnan(p[i]).any() or np.isnan(p[j]).any():
            return float(i == j)
        return math.exp(p[i] @ p[j] / np.linalg.norm(p[i]) / np.linalg.norm(p[j]) / 0.3)

    return cross_entropy(rows, of_pair, scaled_cosine(rows))


def anatcl(z, known, mask, weight):
    measures, rows = known["measures"], Rows(z, mask, weight)

    def of_pair(i, j):
        a, b = measures[i], measures[j]
        if np.isnan(a).any() or np.isnan(b).any():
            return float(i == j)
        total = 0.0
        for r in range(a.shape[0]):
            x, y = (((m - m.min(0)) / (m.max(0) - m.min(0)))[r] for m in (a, b))
            if x.any() and y.any():
                total += x @ y / np.linalg.norm(x) / np.linalg.norm(y)
        return total / a.shape[0]

    anatomy = cross_entropy(rows, of_pair, scaled_cosine(rows))
    return anatomy + yaware(z, known, mask, weight)


def euclidean(z, known, mask, weight):
    rows, age = Rows(z, mask, weight, self_pairs=True, normalize=False), known["age"]
    return cross_entropy(
        rows,
        lambda i, j: gauss(age[i], age[j], i, j),
        lambda r, s: -rows.distance(r, s) / 2 / TAU,
    )


def jaccard_index(labels, i, j):
    if (labels[i] < 0).any() or (labels[j] < 0).any():
        return float(i == j)
    either = np.maximum(labels[i], labels[j]).sum()
    return np.minimum(labels[i], labels[j]).sum() / either if either else 0.0


def jaccard(z, known, mask, weight):
    rows, labels = Rows(z, mask, weight), known["labels"]

    def loss(r):
        against = log(sum(rows.count(r, k) * math.exp(rows.cosine(r, k) / TAU) for k in rows.range))
        total = number = 0.0
        for p in rows.range:
            w = jaccard_index(labels, rows.subject[r], rows.subject[p])
            if w >= 0.3 and rows.count(r, p):
                number += rows.count(r, p)
                total += rows.count(r, p) * w * (against - rows.cosine(r, p) / TAU)
        return total / number if number else None

    return rows.mean(loss)


def mulsupcon(z, known, mask, weight, per_sample=False):
    rows, labels = Rows(z, mask, weight), known["labels"]
    total = weights = 0.0
    for r in rows.range:
        i, of_labels = rows.subject[r], []
        against = log(sum(rows.count(r, k) * math.exp(rows.cosine(r, k) / TAU) for k in rows.range))
        known_of = (labels[i] >= 0).all()
        # Who is not labeled has a label of his own.
        active = [c for c in range(labels.shape[1]) if labels[i, c] == 1] if known_of else [None]
        for c in active:
            if c is None:
                positives = [k for k in rows.range if rows.subject[k] == i]
            else:
                positives = [
                    k
                    for k in rows.range
                    if (labels[rows.subject[k]] >= 0).all() and labels[rows.subject[k], c] == 1
                ]
            number = sum(rows.count(r, k) for k in positives)
            if number > 0:
                attracted = sum(rows.count(r, k) * rows.cosine(r, k) / TAU for k in positives)
                of_labels.append(against - attracted / number)
        if of_labels and per_sample:
            total += weight[i] * sum(of_labels) / len(active)
            weights += weight[i]
        elif of_labels:
            total += weight[i] * sum(of_labels)
            weights += weight[i] * len(of_labels)
    return total / weights if weights else 0.0
