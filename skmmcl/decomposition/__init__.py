"""Generative latent variables of modalities."""

from skmmcl.decomposition._mmvae import MMVAEEmbedder

__all__ = ["MMVAEEmbedder"]
