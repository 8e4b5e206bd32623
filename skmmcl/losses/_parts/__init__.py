"""Parts that the losses share: stacking, batches, sums over pairs of subjects, and targets."""
