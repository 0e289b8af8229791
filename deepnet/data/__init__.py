"""Images: data sets, splits, memorization scores, augmentation, and the streams of batches made of them."""
