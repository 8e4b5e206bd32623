"""Clusters of the network of Deep UCSL."""

import torch

from skmmcl.networks._deep_ucsl import DeepUCSLNetwork


def clustered(*, weighted):
    """The targets of ten patients, of whom four far ones may have no weight."""
    torch.manual_seed(0)
    network = DeepUCSLNetwork(["a"], {"a": (2,)}, 2, products=False, confidence_epochs=1)
    torch.nn.init.zeros_(network.of_cluster.bias)
    network.of_cluster.weight.data = torch.tensor([[[1.0, -1.0], [5.0, -5.0]]])
    h = torch.tensor([[-1.0, 0], [-1.1, 0], [-0.9, 0], [1.0, 0], [1.1, 0], [0.9, 0]])
    weight = torch.ones(6)
    if weighted:  # they alone would exchange the two clusters
        h = torch.cat([h, torch.tensor([[-0.5, 9.0]] * 4)])
        weight = torch.cat([weight, torch.zeros(4)])
    targets = torch.tensor([[1.0, 0, 0]]).repeat(len(h), 1)
    network.before_epoch(h[None], torch.arange(len(h)), targets, weight, 2)
    return targets[:6, 1:], network.agreement


def test_patients_without_weight_have_no_part_in_the_clusters():
    alone, agreement = clustered(weighted=False)
    found, other = clustered(weighted=True)
    assert torch.equal(found, alone)
    assert agreement == other == 1
