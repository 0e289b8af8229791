"""Room for the unlearning of ResNets on images and its confirmation study; still empty."""
