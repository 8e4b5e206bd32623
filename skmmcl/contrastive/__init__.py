"""Contrast guided by what is known of the subjects: classes, age, site, sets of labels."""

from skmmcl.contrastive._yaware import YAwareEmbedder

__all__ = ["YAwareEmbedder"]
