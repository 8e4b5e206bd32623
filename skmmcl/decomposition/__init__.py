"""Generative latent variables of modalities."""

from skmmcl.decomposition._mmvae import MMVAEEmbedder
from skmmcl.decomposition._sepvae import SepVAEEmbedder

__all__ = ["MMVAEEmbedder", "SepVAEEmbedder"]
